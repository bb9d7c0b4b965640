// An origin that can be killed as a process is.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('origin-process.ts', import.meta.url))

export class OriginProcess {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  /** `h2`: HTTP/2 with prior knowledge. */
  static start(port = 0, protocol: 'h1' | 'h2' = 'h1'): Promise<OriginProcess> {
    const child = spawn(process.execPath, [PROGRAM, String(port), protocol], { stdio: ['ignore', 'pipe', 'inherit'] })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the origin exited with ${code}`)))
      child.stdout.once('data', (line: Buffer) => resolve(new OriginProcess(child, Number(line.toString()))))
    })
  }

  kill(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve()
      this.child.once('exit', () => resolve())
      this.child.kill('SIGKILL')
    })
  }
}
