// A load client: connections that ask one request after another, count what they get, and may leave early.
import net from 'node:net'

export interface LoadOptions {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Requests of each connection at most. */
  readonly requests: number
  /** Ends earlier when this says so. */
  readonly stop?: () => boolean
  /** Asked before each request with a number in [0, 1): whether the client leaves right after sending it, and how. */
  readonly leave?: (draw: number) => 'stay' | 'close' | 'reset'
  readonly seed?: number
}

export interface LoadResult {
  /** Answers by status. */
  readonly byStatus: Map<number, number>
  /** Requests whose client left on purpose. */
  left: number
  /** Connections that the proxy ended in the middle of an answer. */
  cut: number
  /** Connections that waited longer than HANG_MS for an answer. */
  hung: number
}

/** Nothing that the tests configure takes this long. */
const HANG_MS = 3_000

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const result: LoadResult = { byStatus: new Map(), left: 0, cut: 0, hung: 0 }
  const random = generator(options.seed ?? 1)
  await Promise.all(Array.from({ length: options.connections }, () => new LoadConnection(options, result, random).run()))
  return result
}

/** mulberry32: the same clients leave in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One client; opens a new connection when the old one has ended. */
class LoadConnection {
  private readonly options: LoadOptions
  private readonly result: LoadResult
  private readonly random: () => number
  private sent = 0

  constructor(options: LoadOptions, result: LoadResult, random: () => number) {
    this.options = options
    this.result = result
    this.random = random
  }

  async run(): Promise<void> {
    while (this.wantsMore()) await this.oneConnection()
  }

  private wantsMore(): boolean {
    return this.sent < this.options.requests && this.options.stop?.() !== true
  }

  private oneConnection(): Promise<void> {
    return new Promise((resolve) => {
      const socket = net.connect(this.options.port, '127.0.0.1')
      let buffered = ''
      let waiting = false
      let leaving = false
      const timer = setTimeout(() => {
        this.result.hung += 1
        socket.destroy()
      }, HANG_MS)
      const next = (): void => {
        waiting = false
        if (!this.wantsMore()) {
          socket.destroy()
          return
        }
        waiting = true
        timer.refresh()
        leaving = this.send(socket)
        if (leaving) waiting = false
      }
      socket.setNoDelay(true)
      socket.on('connect', next)
      socket.on('data', (data) => {
        // An answer that is quicker than a client that leaves finds nobody.
        if (leaving) return
        buffered += data.toString('latin1')
        const length = responseLength(buffered)
        if (length < 0 || buffered.length < length) return
        const status = Number(buffered.slice(9, 12))
        this.result.byStatus.set(status, (this.result.byStatus.get(status) ?? 0) + 1)
        buffered = buffered.slice(length)
        next()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearTimeout(timer)
        if (waiting) this.result.cut += 1
        resolve()
      })
    })
  }

  /** Whether the client left. */
  private send(socket: net.Socket): boolean {
    this.sent += 1
    socket.write(`GET ${this.options.path} HTTP/1.1\r\nhost: a\r\n\r\n`)
    const how = this.options.leave?.(this.random()) ?? 'stay'
    if (how === 'stay') return false
    this.result.left += 1
    // A moment later, so that the request is somewhere on its way.
    setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy()), Math.floor(this.random() * 4))
    return true
  }
}

/** Bytes of the response at the beginning of `text`, -1 while its head is not complete. */
function responseLength(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return -1
  return end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
}
