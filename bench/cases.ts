// The rows of the bench: what is sent through the proxy, and what nuncio has to reach against Envoy.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { richScript, uploadScript } from './configs.ts'
import type { ProxySetup } from './configs.ts'
import { runGrpcLoad, runH2load, runWebSocketLoad, runWrk } from './load.ts'
import type { GrpcShape, Http2Shape, LoadResult, LoadShape, WebSocketShape } from './load.ts'
import type { Pinning } from './machine.ts'

/** A row measured by load. */
export interface LoadCase {
  readonly name: string
  readonly about: string
  readonly kind: ProxySetup['kind']
  /** Ratio to Envoy's rate that nuncio must reach. */
  readonly goal: number
  /** Body bytes a request, where bytes per second count. */
  readonly bytes?: number
  /** What is counted, where it is not requests. */
  readonly unit?: string
  run(target: LoadTarget): Promise<LoadResult>
}

/** One run of a load. */
export interface LoadTarget {
  readonly port: number
  readonly seconds: number
  /** Folder for scripts. */
  readonly folder: string
  readonly pinned: Pinning
}

const wrk = (shape: (folder: string) => LoadShape) => (target: LoadTarget) => runWrk(target.port, shape(target.folder), target.seconds, target.pinned)
const h2load = (shape: Http2Shape) => (target: LoadTarget) => runH2load(target.port, shape, target.seconds, target.pinned)
const websocket = (shape: WebSocketShape) => (target: LoadTarget) => runWebSocketLoad(target.port, shape, target.seconds, target.pinned)
const grpc = (shape: GrpcShape) => (target: LoadTarget) => runGrpcLoad(target.port, shape, target.seconds, target.pinned)

export const LOAD_CASES: readonly LoadCase[] = [
  { name: 'get-64', about: 'GET, 20-byte body, 64 keep-alive connections', kind: 'http', goal: 1.6, run: wrk(() => ({ connections: 64 })) },
  { name: 'get-1', about: '1 connection, one request at a time', kind: 'http', goal: 1.4, run: wrk(() => ({ connections: 1 })) },
  { name: 'rich', about: 'access log to a file, 10 header mutations, 200 routes in 50 virtual hosts, 64 connections', kind: 'rich', goal: 1.4, run: wrk((folder) => ({ connections: 64, script: script(folder, 'rich', richScript()) })) },
  { name: 'new-connection', about: 'a new connection per request, 64 at a time', kind: 'http', goal: 1.2, run: wrk(() => ({ connections: 64, headers: ['Connection: close'] })) },
  { name: 'get-64k', about: 'GET, 64 KiB response, 16 connections', kind: 'http', goal: 0.9, bytes: 65_536, run: wrk(() => ({ connections: 16, path: '/64k' })) },
  { name: 'get-1m', about: 'GET, 1 MiB response, 16 connections', kind: 'http', goal: 0.9, bytes: 1_048_576, run: wrk(() => ({ connections: 16, path: '/1m' })) },
  { name: 'post-64k', about: 'POST of 64 KiB, 16 connections', kind: 'http', goal: 0.9, bytes: 65_536, run: wrk((folder) => ({ connections: 16, path: '/upload', script: script(folder, 'post-64k', uploadScript(65_536)) })) },
  { name: 'post-1m', about: 'POST of 1 MiB, 16 connections', kind: 'http', goal: 0.9, bytes: 1_048_576, run: wrk((folder) => ({ connections: 16, path: '/upload', script: script(folder, 'post-1m', uploadScript(1_048_576)) })) },
  // wrk's request has 39 bytes here; the header brings it to about 100, and nginx's answer has about 180.
  { name: 'tcp', about: 'plain tcp_proxy, requests of 100 bytes and small answers, 64 connections', kind: 'tcp', goal: 1, run: wrk(() => ({ connections: 64, headers: [`x-fill: ${'x'.repeat(50)}`] })) },
  { name: 'h2', about: 'HTTP/2 to HTTP/1: GET, 20-byte body, 16 connections of 32 streams', kind: 'h2', goal: 2.2, run: h2load({ connections: 16, streams: 32 }) },
  { name: 'h2-1x100', about: 'HTTP/2 to HTTP/1: GET, 20-byte body, 1 connection of 100 streams', kind: 'h2', goal: 1.8, run: h2load({ connections: 1, streams: 100 }) },
  { name: 'h2-1m', about: 'HTTP/2 to HTTP/1: GET, 1 MiB response, 4 connections of 4 streams', kind: 'h2', goal: 1, bytes: 1_048_576, run: h2load({ connections: 4, streams: 4, path: '/1m' }) },
  { name: 'grpc-unary', about: 'HTTP/2 to HTTP/2: gRPC calls with 100 bytes each way, 16 connections of 32 streams', kind: 'grpc', goal: 2.5, unit: 'calls', run: grpc({ task: 'unary', connections: 16, streams: 32, size: 100 }) },
  { name: 'grpc-bidi', about: 'HTTP/2 to HTTP/2: gRPC streams that stay open, messages of 100 bytes each way, 16 connections of 16 streams', kind: 'grpc', goal: 1.5, unit: 'messages', run: grpc({ task: 'bidi', connections: 16, streams: 16, size: 100 }) },
  { name: 'websocket', about: 'WebSocket echo, messages of 100 bytes, one at a time on 64 connections', kind: 'websocket', goal: 1.3, unit: 'messages', run: websocket({ connections: 64, size: 100 }) },
]

function script(folder: string, name: string, text: string): string {
  const file = path.join(folder, `${name}.lua`)
  writeFileSync(file, text)
  return file
}
