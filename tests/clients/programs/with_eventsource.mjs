// The package eventsource, which reconnects by itself. The second argument is the name under which a version is installed.
const loaded = await import(process.argv[3]);
const EventSource = loaded.EventSource ?? loaded.default;

setInterval(() => {}, 1_000_000); // a program that does nothing else would end while version 5 waits to reconnect
new EventSource(process.argv[2]).onmessage = ({ data }) => console.log(JSON.stringify(JSON.parse(data)));
