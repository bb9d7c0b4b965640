// The origin behind every proxy: nginx on the load's cores, far faster than any of them.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { adminRequest, freePort, until } from '../test/harness/index.ts'
import { tool } from './machine.ts'
import type { Pinning } from './machine.ts'

/** Starts nginx as origin; `/` answers 20 bytes, `/64k` and `/1m` files of that size, `/upload` reads the whole body and answers. */
export async function startOrigin(folder: string, pinned: Pinning): Promise<{ port: number; stop(): void }> {
  const port = await freePort()
  const root = path.join(folder, 'files')
  mkdirSync(root, { recursive: true })
  writeFileSync(path.join(root, '64k'), Buffer.alloc(65_536, 'x'))
  writeFileSync(path.join(root, '1m'), Buffer.alloc(1_048_576, 'x'))
  const config = path.join(folder, 'origin.conf')
  writeFileSync(config, originConfig(folder, root, port))
  const child = startNginx(config, folder, pinned.load)
  await until('the origin', () => adminRequest(port, '/').then((answer) => answer.status === 200).catch(() => false))
  return { port, stop: () => child.kill('SIGTERM') }
}

/** Ports of the origins: nginx, and those of grpc-load and ws-load (NaN while they are not needed). */
export interface OriginPorts {
  readonly http: number
  readonly grpc: number
  readonly websocket: number
}

/** Starts an origin that sends every message back: of gRPC over HTTP/2, or of WebSocket. */
export async function startEchoOrigin(program: 'grpc-load' | 'ws-load', pinned: Pinning): Promise<{ port: number; stop(): void }> {
  const [command = '', ...rest] = [...pinned.load, tool(program), 'origin']
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString()
  })
  const port = await until(`the origin of ${program}`, () => /^port (\d+)$/m.exec(text)?.[1])
  return { port: Number(port), stop: () => child.kill('SIGTERM') }
}

/** Runs nginx in the foreground as one process. */
export function startNginx(config: string, folder: string, prefix: readonly string[]): ChildProcess {
  const [command = '', ...rest] = [...prefix, tool('nginx'), '-c', config, '-p', folder, '-e', path.join(folder, 'nginx-error.log')]
  return spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Settings that every nginx of the bench shares. */
export function nginxBase(folder: string, name: string): string {
  return `daemon off; master_process off; worker_processes 1; pid ${folder}/${name}.pid;
worker_rlimit_nofile 18000;
events { worker_connections 16000; multi_accept on; }`
}

export function nginxTempPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
}

function originConfig(folder: string, root: string, port: number): string {
  return `${nginxBase(folder, 'origin')}
http {
  access_log off; ${nginxTempPaths(folder)}
  keepalive_timeout 600s; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 2m;
  tcp_nodelay on; sendfile on; open_file_cache max=10;
  server {
    listen 127.0.0.1:${port} backlog=4096 reuseport;
    location / { return 200 "twenty bytes of body"; }
    # Reads the whole body before it answers: an early answer would make this a test of something else.
    location = /upload { proxy_pass http://unix:${folder}/inner.sock:/; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_http_version 1.1; }
    location = /64k { root ${root}; }
    location = /1m { root ${root}; }
  }
  server { listen unix:${folder}/inner.sock backlog=4096; return 200 "twenty bytes of body"; }
}
`
}
