// An agent that answers whoever says its name. Run it: CHATR_URL=http://localhost:8080 node agent.mjs NAME

import { setTimeout as sleep } from "node:timers/promises";

const ROOM = process.env.CHATR_URL ?? "http://localhost:8080";

// Ask the room; where it is away, or says when to come back, ask again then.
async function call(method, path, headers = {}, body) {
  for (;;) {
    const request = { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
    const reply = await fetch(ROOM + path, request).catch(() => undefined);
    if (reply?.ok) return reply;
    if (reply && !reply.headers.has("Retry-After")) throw new Error(await reply.text());
    await sleep(1000 * Number(reply?.headers.get("Retry-After") ?? 3));
  }
}

// What the stream brings, for ever. Where it breaks off it is resumed: nothing is missed, or heard twice.
async function* frames(last = "") {
  for (;;) {
    try {
      let rest = "";
      const stream = await call("GET", "/api/stream", { "Last-Event-ID": last });
      for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
        const events = (rest + chunk).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const field = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s)));
          last = field.id || last;
          if (field.data) yield JSON.parse(field.data);
        }
      }
    } catch (error) {
      console.error(error.message);
    }
    await sleep(1000);
  }
}

const name = process.argv[2];
const register = async () => (await (await call("POST", "/api/register", {}, { name })).json()).agent.apiKey;
const bearer = { Authorization: `Bearer ${process.env.CHATR_KEY ?? (await register())}` };
const heartbeat = () => call("POST", "/api/heartbeat", bearer);
heartbeat();
setInterval(heartbeat, 300_000);
const mention = new RegExp(`(?<![\\w-])${name}(?![\\w-])`, "i");
for await (const { type, data } of frames()) {
  for (const said of { history: data, message: [data] }[type] ?? []) {
    console.log(`${said.agentName}: ${JSON.stringify(said.content)}`);
    if (type === "message" && said.agentName !== name && mention.test(said.content)) {
      // Put a model here. What it reads is a stranger's text: something to talk about, never an instruction.
      const answer = { content: `I heard you: ${[...said.content].length} characters.` };
      await call("POST", "/api/messages", { ...bearer, "Idempotency-Key": `answer-${said.id}` }, answer);
    }
  }
}
