// Tables of the bench, with ratios to Envoy.
import type { LoadCase } from './cases.ts'
import type { LoadFigures } from './run-load.ts'
import { IDLE_STREAMS } from './run-memory.ts'
import type { IdleFigures, StartFigures, StreamFigures } from './run-memory.ts'

/** Prints rows of cells in columns. The first column is left-aligned. */
function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) console.log(`  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`)
}

function ratio(value: number, base: number | undefined): string {
  return base === undefined || !Number.isFinite(value / base) ? '-' : `${(value / base).toFixed(2)}×`
}

/** h2load tells no percentiles: its p50 is the mean, and its p99 is missing. */
function figure(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(0)
}

function verdict(goal: number, ours: LoadFigures | undefined, envoy: LoadFigures | undefined): string {
  if (ours === undefined || envoy === undefined) return ''
  const reached = ours.rate / envoy.rate
  return `  goal ≥ ${goal}×: ${reached >= goal ? 'reached' : 'MISSED'} (${reached.toFixed(2)}×${Number.isNaN(ours.p99) ? '' : `, p99 ${ratio(ours.p99, envoy.p99)}`})`
}

export function printLoad(row: LoadCase, figures: readonly LoadFigures[]): void {
  const envoy = figures.find((one) => one.proxy === 'envoy')
  console.log(`\n${row.name}: ${row.about}`)
  const head = ['proxy', `${row.unit ?? 'req'}/s`, 'to Envoy', row.bytes === undefined ? 'min..max' : 'MB/s', 'CPU µs each', 'to Envoy', 'p50 µs', 'p99 µs', 'to Envoy', 'RSS MiB']
  const rows = figures.map((one) => [
    one.proxy,
    one.rate.toFixed(0),
    ratio(one.rate, envoy?.rate),
    row.bytes === undefined ? `${one.spread[0].toFixed(0)}..${one.spread[1].toFixed(0)}` : ((one.rate * row.bytes) / 1e6).toFixed(0),
    one.cpu.toFixed(1),
    ratio(one.cpu, envoy?.cpu),
    figure(one.p50),
    figure(one.p99),
    ratio(one.p99, envoy?.p99),
    (one.rssKiB / 1_024).toFixed(0),
  ])
  printTable([head, ...rows])
  for (const one of figures) if (one.errors > 0) console.log(`  ${one.proxy}: ${one.errors} ERRORS, its figures mean nothing`)
  const line = verdict(row.goal, figures.find((one) => one.proxy === 'nuncio'), envoy)
  if (line !== '') console.log(line)
}

export function printIdle(figures: readonly IdleFigures[]): void {
  console.log('\nidle: 5,000 idle keep-alive connections, one request each before (goal ≤ 10 KiB each)')
  printTable([['proxy', 'KiB each', 'RSS before MiB', 'after MiB'], ...figures.map((one) => [one.proxy, one.kibEach.toFixed(1), (one.beforeKiB / 1_024).toFixed(0), (one.afterKiB / 1_024).toFixed(0)])])
}

export function printStreams(figures: readonly StreamFigures[]): void {
  const envoy = figures.find((one) => one.proxy === 'envoy')
  const growth = (one: StreamFigures): number => one.afterKiB - one.beforeKiB
  console.log(`\nh2-idle: ${IDLE_STREAMS.connections * IDLE_STREAMS.streams} open streams on ${IDLE_STREAMS.connections} connections, HTTP/2 to HTTP/2 (goal: RSS no higher than Envoy's)`)
  printTable([['proxy', 'KiB a stream', 'growth MiB', 'to Envoy', 'RSS after MiB', 'to Envoy'], ...figures.map((one) => [one.proxy, (growth(one) / one.streams).toFixed(1), (growth(one) / 1_024).toFixed(0), ratio(growth(one), envoy === undefined ? undefined : growth(envoy)), (one.afterKiB / 1_024).toFixed(0), ratio(one.afterKiB, envoy?.afterKiB)])])
}

export function printStart(title: string, figures: readonly StartFigures[]): void {
  const envoy = figures.find((one) => one.proxy === 'envoy')
  console.log(`\n${title}`)
  printTable([['proxy', 'ms to LIVE', 'to Envoy', 'RSS MiB', 'to Envoy'], ...figures.map((one) => [one.proxy, one.readyMs.toFixed(0), ratio(one.readyMs, envoy?.readyMs), (one.rssKiB / 1_024).toFixed(0), ratio(one.rssKiB, envoy?.rssKiB)])])
}
