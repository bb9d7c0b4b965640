// A port of 127.0.0.1 where a connect is never answered: what a host behind a silent firewall looks like.
import net from 'node:net'
import { Worker } from 'node:worker_threads'

// The thread listens with the smallest queue and then blocks its loop for ever, so nothing is accepted.
const LISTENER = `
const net = require('node:net')
const { parentPort } = require('node:worker_threads')
const server = net.createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20)
})`

/** More than fit in the queue: later connects find it full, and Linux then drops their packets. */
const FILLERS = 4

export class Blackhole {
  readonly port: number
  private readonly worker: Worker
  private readonly fillers: net.Socket[]

  private constructor(port: number, worker: Worker, fillers: net.Socket[]) {
    this.port = port
    this.worker = worker
    this.fillers = fillers
  }

  /** Opens one; it needs Linux, where a full accept queue drops what comes. */
  static async start(): Promise<Blackhole> {
    const worker = new Worker(LISTENER, { eval: true })
    const port = await new Promise<number>((resolve) => worker.once('message', resolve))
    await new Promise((resolve) => setTimeout(resolve, 60))
    const fillers = Array.from({ length: FILLERS }, () => net.connect({ port, host: '127.0.0.1' }))
    for (const filler of fillers) filler.on('error', () => {})
    await new Promise((resolve) => setTimeout(resolve, 60))
    return new Blackhole(port, worker, fillers)
  }

  async stop(): Promise<void> {
    for (const filler of this.fillers) filler.destroy()
    await this.worker.terminate()
  }
}
