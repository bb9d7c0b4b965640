// The rows of the bench: what is sent through the proxy, and what nuncio has to reach against Envoy.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { richScript, uploadScript } from './configs.ts'
import type { ProxySetup } from './configs.ts'
import type { LoadShape } from './load.ts'

/** A row measured by load. */
export interface LoadCase {
  readonly name: string
  readonly about: string
  readonly kind: ProxySetup['kind']
  /** Ratio to Envoy's rate that nuncio must reach. */
  readonly goal: number
  /** Body bytes a request, where bytes per second count. */
  readonly bytes?: number
  shape(folder: string): LoadShape
}

export const LOAD_CASES: readonly LoadCase[] = [
  { name: 'get-64', about: 'GET, 20-byte body, 64 keep-alive connections', kind: 'http', goal: 1.6, shape: () => ({ connections: 64 }) },
  { name: 'get-1', about: '1 connection, one request at a time', kind: 'http', goal: 1.4, shape: () => ({ connections: 1 }) },
  { name: 'rich', about: 'access log to a file, 10 header mutations, 200 routes in 50 virtual hosts, 64 connections', kind: 'rich', goal: 1.4, shape: (folder) => ({ connections: 64, script: script(folder, 'rich', richScript()) }) },
  { name: 'new-connection', about: 'a new connection per request, 64 at a time', kind: 'http', goal: 1.2, shape: () => ({ connections: 64, headers: ['Connection: close'] }) },
  { name: 'get-64k', about: 'GET, 64 KiB response, 16 connections', kind: 'http', goal: 0.9, bytes: 65_536, shape: () => ({ connections: 16, path: '/64k' }) },
  { name: 'get-1m', about: 'GET, 1 MiB response, 16 connections', kind: 'http', goal: 0.9, bytes: 1_048_576, shape: () => ({ connections: 16, path: '/1m' }) },
  { name: 'post-64k', about: 'POST of 64 KiB, 16 connections', kind: 'http', goal: 0.9, bytes: 65_536, shape: (folder) => ({ connections: 16, path: '/upload', script: script(folder, 'post-64k', uploadScript(65_536)) }) },
  { name: 'post-1m', about: 'POST of 1 MiB, 16 connections', kind: 'http', goal: 0.9, bytes: 1_048_576, shape: (folder) => ({ connections: 16, path: '/upload', script: script(folder, 'post-1m', uploadScript(1_048_576)) }) },
  // wrk's request has 39 bytes here; the header brings it to about 100, and nginx's answer has about 180.
  { name: 'tcp', about: 'plain tcp_proxy, requests of 100 bytes and small answers, 64 connections', kind: 'tcp', goal: 1, shape: () => ({ connections: 64, headers: [`x-fill: ${'x'.repeat(50)}`] }) },
]

function script(folder: string, name: string, text: string): string {
  const file = path.join(folder, `${name}.lua`)
  writeFileSync(file, text)
  return file
}
