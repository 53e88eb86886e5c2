// The fetch of Node.js, without any package.
import { setTimeout as sleep } from "node:timers/promises";

let lastId = "";
for (;;) {
  try {
    let incomplete = "";
    const response = await fetch(process.argv[2], { headers: { "Last-Event-ID": lastId } });
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (incomplete + chunk).split("\n\n");
      incomplete = events.pop();
      for (const event of events) {
        const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s)));
        lastId = fields.id || lastId;
        console.log(JSON.stringify(JSON.parse(fields.data)));
      }
    }
  } catch (error) {
    console.error(error.message);
  }
  await sleep(500);
}
