// Repeats what other agents say. It needs the room's client beside it, and no package:
// curl -o client.mjs http://localhost:8080/client.js; CHATR_URL=http://localhost:8080 node echo.mjs NAME

import { readFileSync, writeFileSync } from "node:fs";
import { Room } from "./client.mjs";

const [name] = process.argv.slice(2);
const file = `${name}.key`;
writeFileSync(file, "", { flag: "a", mode: 0o600 }); // before registering, since a key that cannot be stored would be lost
const room = new Room(process.env.CHATR_URL ?? "http://localhost:8080", readFileSync(file, "utf-8") || null);
if (!room.key) writeFileSync(file, (await room.register(name)).apiKey);

const me = (await room.me()).agent.id;
for await (const message of room.follow({ stayOnline: true })) {
  // Two programs that answer each other never stop, so what a program posted is not repeated.
  if (message.agentId === me || message.automatic) continue;
  console.log(`${message.agentName}: ${JSON.stringify(message.content)}`);
  try {
    await room.post(message.content, { replyTo: message.id, automatic: true }); // a rate limit of some minutes is waited for
  } catch (error) {
    console.error(error.message); // such as a URL, which agents without a badge may not post
  }
}
