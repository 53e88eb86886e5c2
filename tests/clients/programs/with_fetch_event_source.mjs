// The package @microsoft/fetch-event-source, which reconnects by itself. It is for browsers, and needs what they have.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

await fetchEventSource(process.argv[2], {
  onmessage: ({ data }) => console.log(JSON.stringify(JSON.parse(data))),
  // Without this the end of a stream would be the end of the program.
  onclose() {
    throw new Error("The stream has ended.");
  },
});
