// A load client over HTTP/2: connections with streams that ask one request after another and count how each ended.
import { Http2Client } from '../../harness/index.ts'
import type { PeerStream } from '../../harness/http2-peer.ts'

export interface Http2LoadOptions {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Requests under way on each connection. */
  readonly streams: number
  /** Requests of each connection at most. */
  readonly requests: number
  /** Ends earlier when this says so. */
  readonly stop?: () => boolean
  /** Called after each answer with the number of answers so far. */
  readonly onAnswer?: (answers: number) => void
}

export interface Http2LoadResult {
  /** Streams by how they ended: `200`, `503`, `reset 8`, … */
  readonly byEnd: Map<string, number>
  /** Streams whose connection ended before them although no GOAWAY let them out. */
  cut: number
  /** Streams that a GOAWAY let out, or that came behind it: for a client to send again elsewhere. */
  refused: number
  sent: number
  answers: number
}

/** Nothing that the tests configure takes this long. */
const HANG_MS = 15_000

export async function runHttp2Load(options: Http2LoadOptions): Promise<Http2LoadResult> {
  const result: Http2LoadResult = { byEnd: new Map(), cut: 0, refused: 0, sent: 0, answers: 0 }
  await Promise.all(Array.from({ length: options.connections }, () => oneConnection(options, result)))
  return result
}

async function oneConnection(options: Http2LoadOptions, result: Http2LoadResult): Promise<void> {
  const client = await Http2Client.connect({ port: options.port }, { windows: 'auto' })
  const { peer } = client
  const ended = new Set<PeerStream>()
  let sent = 0
  const wantsMore = (): boolean => sent < options.requests && peer.goaway === null && peer.ended === 'open' && options.stop?.() !== true
  const ask = (): void => {
    sent++
    result.sent++
    void client.run({ request: { path: options.path } })
  }
  peer.onStream = (stream) => {
    if (!stream.done || ended.has(stream)) return
    ended.add(stream)
    const end = stream.reset === null ? (stream.field(':status') ?? 'no status') : `reset ${stream.reset}`
    result.byEnd.set(end, (result.byEnd.get(end) ?? 0) + 1)
    options.onAnswer?.(++result.answers)
    peer.streams.delete(stream.id)
    if (wantsMore()) ask()
  }
  for (let open = 0; open < options.streams && wantsMore(); open++) ask()
  await peer.waitFor(() => peer.ended !== 'open' || (peer.streams.size === 0 && !wantsMore()), HANG_MS)
  const last = lastStream(client)
  for (const stream of peer.streams.values()) {
    if (stream.id > last) result.refused++
    else result.cut++
  }
  await client.close()
}

/** The last stream that the proxy says it took. */
function lastStream(client: Http2Client): number {
  const lines = client.lines().filter((line) => line.startsWith('GOAWAY'))
  return Number(/last=(\d+)/.exec(lines.at(-1) ?? '')?.[1] ?? Infinity)
}
