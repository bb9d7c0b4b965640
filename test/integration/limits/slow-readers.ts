// What the tests of flow control share: who reads slowly, and how memory is watched meanwhile.
import assert from 'node:assert/strict'
import { sleep, until } from '../../harness/index.ts'
import type { ProxyProcess, RawClient, ScriptedOrigin } from '../../harness/index.ts'

const GIB = 1_073_741_824
/** Bytes of a body; much larger than every buffer on the way is what counts. */
export const BODY = Number(process.env['NUNCIO_FLOW_BYTES'] ?? GIB)
/** How long the slow side does not read at all while memory is watched. */
const STALL_MS = 1_500
/** Bytes that an upload sends at once. */
const PIECE = 1_048_576

/** Highest resident memory of the proxy while `during` runs, over what it was before. */
export async function growthWhile(proxy: ProxyProcess, during: () => Promise<void>): Promise<number> {
  const before = proxy.rssBytes()
  let highest = before
  const timer = setInterval(() => (highest = Math.max(highest, proxy.rssBytes())), 25)
  try {
    await during()
  } finally {
    clearInterval(timer)
  }
  return Math.max(highest, proxy.rssBytes()) - before
}

/** A client that stops reading for a while in the first megabytes and then takes the rest as it comes. */
export async function readSlowly(client: RawClient, total: number): Promise<void> {
  client.keepBytes = false
  await client.readBytes(1_048_576, 30_000)
  client.pause()
  await sleep(STALL_MS)
  const stalledAt = client.receivedBytes
  assert.ok(stalledAt < total / 2, `the body was through before the reader stopped: ${stalledAt} of ${total}`)
  client.resume()
  assert.ok(await client.readBytes(total, 90_000), `only ${client.receivedBytes} of ${total} bytes came`)
}

/** Uploads while the origin does not read for a while. `send` sends a MiB and says whether the proxy still takes more. */
export async function uploadToSlowOrigin(send: () => Promise<boolean>, origin: ScriptedOrigin, total: number): Promise<void> {
  let sent = 0
  const uploading = (async () => {
    for (; sent < total; sent += PIECE) if (!(await send())) throw new Error('the proxy ended the upload')
  })()
  const connection = await until('the upload to reach the origin', () => origin.connections[0])
  await sleep(STALL_MS)
  assert.ok(sent < Math.max(total / 2, 64 * 1_048_576), `the origin reads nothing, but the proxy took ${sent} bytes`)
  connection.socket.resume()
  await uploading
  await until('the whole upload at the origin', () => connection.receivedBytes >= total, { timeoutMs: 90_000 })
}
