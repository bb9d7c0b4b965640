// A gRPC server over Node's http2, whose methods are plain functions on the stream.
import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'

export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Calls `onMessage` for every message of the request. */
export function readMessages(stream: ServerHttp2Stream, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1)
      onMessage(rest.subarray(5, end))
      rest = rest.subarray(end)
    }
  })
}

/** Head of a response; trailers follow with `finish`. */
export function begin(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-initial': 'i' }, { waitForTrailers: true })
}

export function finish(stream: ServerHttp2Stream, status = 0, message = ''): void {
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': message, 'x-trailing': 't' }))
  stream.end()
}

export type Method = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => void

export class GrpcTestServer {
  readonly sessions: ServerHttp2Session[] = []
  private readonly server: Http2Server

  private constructor(server: Http2Server, methods: Readonly<Record<string, Method>>) {
    this.server = server
    server.on('session', (session) => this.sessions.push(session))
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {})
      const method = methods[String(headers[':path'])]
      if (method === undefined) stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true })
      else method(stream, headers)
    })
  }

  static async start(methods: Readonly<Record<string, Method>>): Promise<GrpcTestServer> {
    const server = createServer({ settings: { initialWindowSize: 65_535 } })
    const made = new GrpcTestServer(server, methods)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return made
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Cuts every connection. */
  kill(): void {
    for (const session of this.sessions) session.destroy()
  }

  async stop(): Promise<void> {
    this.kill()
    this.server.close()
    await once(this.server, 'close')
  }
}
