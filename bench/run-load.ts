// Measures one load row: every proxy up at once, rounds interleaved, medians.
import type { LoadCase } from './cases.ts'
import { cpuMicroseconds, rssKiB } from './machine.ts'
import type { Pinning } from './machine.ts'
import type { OriginPorts } from './origin.ts'
import { startProxy } from './proxies.ts'
import type { ProxyName, RunningProxy } from './proxies.ts'

/** What one proxy did in one row; medians over the rounds. Times in microseconds. */
export interface LoadFigures {
  readonly proxy: ProxyName
  /** Requests a second. */
  readonly rate: number
  /** CPU time of the proxy per request. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
  readonly rssKiB: number
  readonly errors: number
  /** Lowest and highest rate of the rounds, as a measure of how still the machine was. */
  readonly spread: readonly [number, number]
}

export interface LoadOptions {
  readonly proxies: readonly ProxyName[]
  readonly rounds: number
  readonly seconds: number
  readonly origins: OriginPorts
  readonly folder: string
  readonly pinned: Pinning
}

interface Round {
  readonly rate: number
  readonly cpu: number
  readonly p50: number
  readonly p99: number
  readonly errors: number
}

/** Figures of every proxy that can do the row. */
export async function runLoadCase(row: LoadCase, options: LoadOptions): Promise<LoadFigures[]> {
  const running: RunningProxy[] = []
  try {
    for (const name of options.proxies) {
      const proxy = await startProxy(name, row.kind, options.origins, options.folder, options.pinned)
      if (proxy !== null) running.push(proxy)
    }
    const rounds = new Map<ProxyName, Round[]>(running.map((proxy) => [proxy.name, []]))
    // Warm up: connections to the origin, caches, and compiled code where a proxy has such.
    for (const proxy of running) await row.run({ ...options, port: proxy.port, seconds: Math.max(2, options.seconds) })
    for (let round = 0; round < options.rounds; round++) {
      for (const proxy of running) rounds.get(proxy.name)?.push(await oneRound(proxy, row, options))
    }
    return running.map((proxy) => figures(proxy, rounds.get(proxy.name) ?? []))
  } finally {
    for (const proxy of running) await proxy.stop()
  }
}

async function oneRound(proxy: RunningProxy, row: LoadCase, options: LoadOptions): Promise<Round> {
  const before = cpuMicroseconds(proxy.pid)
  const result = await row.run({ ...options, port: proxy.port })
  const cpu = cpuMicroseconds(proxy.pid) - before
  return { rate: result.requests / result.seconds, cpu: cpu / Math.max(1, result.requests), p50: result.p50, p99: result.p99, errors: result.errors }
}

function figures(proxy: RunningProxy, rounds: readonly Round[]): LoadFigures {
  const rates = rounds.map((round) => round.rate).sort((left, right) => left - right)
  return {
    proxy: proxy.name,
    rate: median(rates),
    cpu: median(rounds.map((round) => round.cpu)),
    p50: median(rounds.map((round) => round.p50)),
    p99: median(rounds.map((round) => round.p99)),
    rssKiB: rssKiB(proxy.pid),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    spread: [rates[0] ?? Number.NaN, rates.at(-1) ?? Number.NaN],
  }
}

/** Middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
