// Starting each proxy of the bench, pinned to its core.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { freePort, ProxyProcess, until } from '../test/harness/index.ts'
import { envoyConfig, haproxyConfig, nginxConfig } from './configs.ts'
import type { ProxySetup } from './configs.ts'
import { tool } from './machine.ts'
import type { Pinning } from './machine.ts'
import { startNginx } from './origin.ts'
import type { OriginPorts } from './origin.ts'

export const PROXY_NAMES = ['envoy', 'nuncio', 'nginx', 'haproxy'] as const
export type ProxyName = (typeof PROXY_NAMES)[number]

/** A proxy that accepts connections on `port`. */
export interface RunningProxy {
  readonly name: ProxyName
  readonly port: number
  readonly pid: number
  /** Port of the admin interface, NaN where there is none. */
  readonly adminPort: number
  /** Milliseconds from its start until it was ready; only of Envoy and nuncio. */
  readonly readyMs: number
  stop(): Promise<void>
}

/** Starts a proxy for a case; null where that proxy cannot do it. `config` replaces the configuration of Envoy and nuncio. */
export async function startProxy(name: ProxyName, kind: ProxySetup['kind'], origins: OriginPorts, folder: string, pinned: Pinning, config?: (setup: ProxySetup) => string): Promise<RunningProxy | null> {
  const own = path.join(folder, name)
  mkdirSync(own, { recursive: true })
  const setup: ProxySetup = { kind, listener: await freePort(), admin: await freePort(), origin: kind === 'grpc' ? origins.grpc : kind === 'websocket' ? origins.websocket : origins.http, grpcOrigin: origins.grpc, webSocketOrigin: origins.websocket, folder: own }
  if (name === 'envoy' || name === 'nuncio') return startByAdmin(name, setup, pinned, config ?? envoyConfig)
  const child = name === 'nginx' ? nginx(setup, own, pinned) : haproxy(setup, own, pinned)
  if (child === null) return null
  await until(`${name} to listen`, () => accepts(setup.listener))
  return { name, port: setup.listener, pid: child.pid ?? -1, adminPort: Number.NaN, readyMs: Number.NaN, stop: () => stopChild(child) }
}

async function startByAdmin(name: 'envoy' | 'nuncio', setup: ProxySetup, pinned: Pinning, config: (setup: ProxySetup) => string): Promise<RunningProxy> {
  const proxy = await ProxyProcess.start({ kind: name, config: config(setup), configFormat: 'json', adminPort: setup.admin, prefix: pinned.proxy, folder: setup.folder, timeoutMs: 60_000 })
  return { name, port: setup.listener, pid: proxy.pid, adminPort: setup.admin, readyMs: proxy.readyMs, stop: () => proxy.stop(name === 'envoy' ? 'SIGKILL' : 'SIGTERM') }
}

function nginx(setup: ProxySetup, folder: string, pinned: Pinning): ChildProcess | null {
  const text = nginxConfig(setup, folder)
  if (text === null) return null
  const file = path.join(folder, 'nginx.conf')
  writeFileSync(file, text)
  return startNginx(file, folder, pinned.proxy)
}

function haproxy(setup: ProxySetup, folder: string, pinned: Pinning): ChildProcess {
  const file = path.join(folder, 'haproxy.cfg')
  writeFileSync(file, haproxyConfig(setup))
  const [command = '', ...rest] = [...pinned.proxy, tool('haproxy'), '-db', '-f', file]
  return spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
