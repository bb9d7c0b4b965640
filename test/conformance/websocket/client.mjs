// `client.mjs NAME PORT ONLY`: runs the cases with one client; prints a line of JSON for each.
import { CASES } from './cases.mjs'
import { h1, h2 } from './raw-client.mjs'
import * as ws from './ws-client.mjs'

const [name, port, only = ''] = process.argv.slice(2)
const client = { ws, h1, h2 }[name]
const can = { raw: client !== ws, deflate: client === ws }
for (const one of CASES) {
  if ((one.needs !== null && !can[one.needs]) || !one.name.includes(only)) continue
  const seen = await one.run((path, options) => client.open(Number(port), path, options)).catch((error) => [`failed: ${error.message}`])
  console.log(JSON.stringify({ name: one.name, seen }))
}
process.exit(0)
