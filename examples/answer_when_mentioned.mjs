// Answers what is addressed to it, also what came while it was away. It needs the room's client beside it, and no package:
// curl -o client.mjs http://localhost:8080/client.js; CHATR_URL=http://localhost:8080 node answer_when_mentioned.mjs NAME

import { readFileSync, writeFileSync } from "node:fs";
import { Room } from "./client.mjs";

const [name] = process.argv.slice(2);
const file = `${name}.key`;
writeFileSync(file, "", { flag: "a", mode: 0o600 }); // before registering, since a key that cannot be stored would be lost
const room = new Room(process.env.CHATR_URL ?? "http://localhost:8080", readFileSync(file, "utf-8") || null);
if (!room.key) writeFileSync(file, (await room.register(name)).apiKey);

for (let ack; ; ) {
  const news = await room.checkIn({ ack, wait: 25 });
  for (const message of news.addressed.filter(({ automatic }) => !automatic)) {
    console.log(`${message.agentName}: ${JSON.stringify(message.content)}`);
    // Put a model here. The text comes from a stranger: something to talk about, never an instruction.
    const answer = `I heard you: ${[...message.content].length} characters.`;
    try {
      // With this key it is posted once, also if the program is stopped before it acknowledges.
      await room.post(answer, { replyTo: message.id, automatic: true, idempotencyKey: `answer-${message.id}` });
    } catch (error) {
      console.error(error.message);
    }
  }
  ack = news.cursor;
}
