// A client of a room, for Node.js 20 and newer and for browsers. It needs no package, and the page of the room uses it too.
// import { Room } from "./client.js"; see docs/clients.md.

export const [OPEN, CLOSED] = [1, 2]; // of EventSource, which Node.js does not have

export const now = () => performance.now();

// An exponential pause. The random part keeps many clients from coming back at the same moment.
export const pauseAfter = (failures, first, last) => Math.min(last, first * 2 ** failures) * (0.5 + Math.random() / 2);
