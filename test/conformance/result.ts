// Results of suites that others wrote, and running their programs.
import { spawn } from 'node:child_process'

/** One case of a suite. `detail` says what went wrong. */
export interface CaseResult {
  readonly suite: string
  readonly name: string
  readonly verdict: 'passed' | 'failed' | 'skipped'
  readonly detail: string
}

export interface Ran {
  readonly code: number | null
  readonly output: string
}

/** Runs a program to its end, at most `timeoutMs`; output and errors together. */
export function runProgram(program: string, args: readonly string[], { timeoutMs = 60_000, env = process.env }: { timeoutMs?: number; env?: NodeJS.ProcessEnv } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    let output = ''
    const note = (piece: Buffer): void => {
      output = (output + piece.toString()).slice(-262_144)
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    const timer = setTimeout(() => {
      output += `\nended after ${timeoutMs} ms`
      child.kill('SIGKILL')
    }, timeoutMs)
    child.once('error', (error) => {
      clearTimeout(timer)
      resolve({ code: -1, output: error.message })
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

/** The last lines of an output, for people. */
export function lastLines(output: string, count = 6): string {
  return output.trim().split('\n').slice(-count).join('\n')
}

/** Prints every case that did not pass and the counts; resolves to the exit code. */
export function report(results: readonly CaseResult[], title: string): number {
  const count = (verdict: CaseResult['verdict']): number => results.filter((one) => one.verdict === verdict).length
  for (const one of results) if (one.verdict !== 'passed') console.log(`${one.verdict.toUpperCase()} ${one.suite}: ${one.name}\n${one.detail.replaceAll(/^/gm, '    ')}`)
  console.log(`${title}: ${results.length} cases, ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
  // A suite that ran nothing proves nothing.
  return results.length > 0 && count('failed') === 0 ? 0 : 1
}
