// Free ports for processes that must be told their ports before they start.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

// Below the kernel's usual ephemeral range, so that no outgoing connection takes a port between our check and its use.
const FIRST = 18_000
const LAST = 31_999
// Suites that run at the same time must not hand out the same port: whoever has one leaves a file with its process id.
const claims = path.join(os.tmpdir(), 'nuncio-test-ports')
const handedOut = new Set<number>()
process.on('exit', () => {
  for (const port of handedOut) rmSync(path.join(claims, String(port)), { force: true })
})

/** False when a living process has the port. */
function claim(port: number): boolean {
  const file = path.join(claims, String(port))
  mkdirSync(claims, { recursive: true })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return true
    } catch {
      if (isOfLivingProcess(file)) return false
      rmSync(file, { force: true })
    }
  }
  return false
}

function isOfLivingProcess(file: string): boolean {
  try {
    // A file that is just being written is still empty.
    const pid = Number(readFileSync(file, 'utf8') || process.pid)
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** A TCP port of 127.0.0.1 that nobody listens on now and that no process of these suites has handed out. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    if (handedOut.has(port) || !claim(port)) continue
    handedOut.add(port)
    if (await canListen(port)) return port
  }
  throw new Error('no free port found in 200 attempts')
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  return ports
}
