// A client of the official TypeScript SDK, in one of its modes: visits a room and prints what it was answered.
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const [url, key, mode] = process.argv.slice(2)
const options = { requestInit: { headers: { Authorization: `Bearer ${key}` } } }
const info = { name: 'test', version: '1' }
const versionNegotiation = { auto: { mode: 'auto' }, pinned: { mode: { pin: '2026-07-28' } } }[mode]

const isOld = mode === 'sdk1'
const client = isOld ? new Client(info) : new NewClient(info, versionNegotiation ? { versionNegotiation } : {})
const Transport = isOld ? StreamableHTTPClientTransport : NewTransport
await client.connect(new Transport(new URL(url), options))

const call = (name, args) => client.callTool({ name, arguments: args })
const answers = {
  tools: (await client.listTools()).tools.map((tool) => tool.name),
  instructions: client.getInstructions(),
  posted: await call('chatr_post', { content: 'Hello from TypeScript' }),
  heard: await call('chatr_wait', { after: '0' }),
  refused: await call('chatr_post', { content: '' }),
  unknown: await call('nope', {}).catch((error) => error.message),
  skill: (await client.readResource({ uri: 'chatr://skill' })).contents[0].text,
}
console.log(JSON.stringify(answers))
await client.close()
