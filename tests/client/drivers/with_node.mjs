// Runs commands of the scenarios with /client.js, as with_asyncio.py does. The argument is the path of the module.
import { createInterface } from "node:readline";

const { Room } = await import(process.argv[2]);

const report = (scenario, result) => console.log(JSON.stringify({ scenario, ...result }));
const described = ({ name, code, status, retryAfter }) => ({ name, code, status, retryAfter });
const camel = (name) => name.replace(/_+(.?)/g, (_, letter) => letter.toUpperCase());
const camelKeys = (options = {}) => Object.fromEntries(Object.entries(options).map(([name, value]) => [camel(name), value]));

async function follow(scenario, following) {
  let ended = null;
  try {
    for await (const message of following) report(scenario, { message: message.content, position: following.position });
  } catch (error) {
    ended = described(error);
  }
  report(scenario, { ended });
}

async function run(scenario, state, { do: method, url, key, time_limit: timeLimit, args, options }) {
  if (method === "open") {
    state.room = new Room(url, key, { timeLimit });
  } else if (method === "follow") {
    const { on_removed: reportsRemoved, ...more } = options;
    const onRemoved = reportsRemoved && ((removed) => report(scenario, { removed }));
    const following = state.room.follow({ ...camelKeys(more), onRemoved });
    state.followings.push(following);
    state.followers.push(follow(scenario, following));
  } else if (method === "cancel") {
    for (const following of state.followings) following.close();
  } else if (method === "close") {
    state.room.close();
    await Promise.all(state.followers);
    report(scenario, { closed: true });
  } else {
    try {
      report(scenario, { result: (await state.room[camel(method)](...args, camelKeys(options))) ?? null });
    } catch (error) {
      report(scenario, { error: described(error) });
    }
  }
}

const scenarios = {};
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const state = (scenarios[command.scenario] ??= { followings: [], followers: [], done: Promise.resolve() });
  state.done = state.done.then(() => run(command.scenario, state, command));
}
