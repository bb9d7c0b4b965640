// What changes from one run to the next is masked, by the rules here and nowhere else.
import os from 'node:os'
import type { RawMessage } from '../harness/index.ts'

/** Statistics that are not compared, each with its reason. Tested against the whole name. */
export const MASKED_STATS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^(listener\.admin|http\.admin)\./, reason: 'the runner itself asks the admin interface' },
  { pattern: /^server\./, reason: 'uptime, memory and connection totals of the process, which count the runner' },
  { pattern: /^(main_thread|workers|thread_local|filesystem|runtime|cluster_manager|listener_manager|dns|envoy|wasm)\b/, reason: 'the process, not the exchange; they have scenarios of their own under admin/' },
]

/**
 * The address that stands for this machine where a proxy names itself (in x-forwarded-for of a loopback client): that of the
 * first interface that is not loopback. Shown as `{own-address}`.
 */
export const OWN_ADDRESS: string = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []).find((one) => !one.internal && one.family === 'IPv4')?.address ?? ''

/** Length of the own address that recorded byte totals assume. */
export const ASSUMED_ADDRESS_LENGTH = '192.0.2.2'.length

/** Replaces what differs between runs in text. `names` maps literal text (such as `127.0.0.1:1234`) to what to show. */
export class Masker {
  private readonly ports = new Map<string, string>()
  /** Ports of the running case's clients. */
  private readonly clientPorts = new Set<string>()
  private readonly kept: string
  private readonly folders: [string, string][] = []

  /** `kept`: text of the scenario; an id that it contains is data, not chance. */
  constructor(kept: string) {
    this.kept = kept
  }

  beginCase(): void {
    this.clientPorts.clear()
  }

  clientPort(port: number | string, name: string): void {
    this.clientPorts.add(String(port))
    this.port(port, name)
  }

  /** The proxy's end of a connection to an origin. It may have the number of a client's port, since their other ends differ: the client keeps its name. */
  upstreamPort(port: number | string, name: string): void {
    if (!this.clientPorts.has(String(port))) this.port(port, name)
  }

  /** From now on `port` reads `{name}` wherever it follows `127.0.0.1` and a `:` or `_`. */
  port(port: number | string, name: string): void {
    this.ports.set(String(port), name)
  }

  folder(text: string, name: string): void {
    this.folders.push([text, name])
  }

  /** Masks one text. */
  text(text: string): string {
    let result = text
    for (const [from, to] of this.folders) result = result.replaceAll(from, `{${to}}`)
    result = result.replaceAll(/((?:127\.0\.0\.\d+|localhost|example\.com|\[::1\])[:_])(\d{4,5})\b/g, (whole, address: string, port: string) => {
      const name = this.ports.get(port)
      return name === undefined ? whole : `${address}{${name}}`
    })
    result = result.replaceAll(/^(x-forwarded-port: )(\d+)(?=\r?$)/gim, (whole, name: string, port: string) => (this.ports.has(port) ? `${name}{${this.ports.get(port)}}` : whole))
    if (OWN_ADDRESS !== '') result = result.replaceAll(OWN_ADDRESS, '{own-address}')
    result = result.replaceAll(/("port_value": )(\d+)/g, (whole, name: string, port: string) => (this.ports.has(port) ? `${name}{${this.ports.get(port)}}` : whole))
    result = result.replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    // A histogram shows what its last flush gathered, and when that was is chance.
    result = result.replaceAll(/^([a-z0-9_.{}]+): (?:No recorded values|P0\(.*)$/gm, '$1: <histogram>')
    // The default log format: duration and the origin's service time stand after the byte counts.
    result = result.replaceAll(/^(\[<time>\] ".*" \d{3} \S+ \d+ \d+) \d+ (?:\d+|(-)) "/gm, (_whole, start: string, none: string | undefined) => `${start} <ms> ${none ?? '<ms>'} "`)
    result = result.replaceAll(/^(date: )[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT(?=\r?$)/gim, '$1<date>')
    result = result.replaceAll(/^(x-envoy-upstream-service-time: )\d+(?=\r?$)/gim, '$1<ms>')
    // The first digit of the third group tells the trace status: 4 none, 9 forced, a and b others. It is kept.
    return result.replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g, (id, kind: string) => (this.kept.includes(id) ? id : `<uuid-${kind}>`))
  }
}

/** Long runs of one character are written as `<x*1000>`. */
function shortenRuns(text: string): string {
  return text.replaceAll(/([^\r\n])\1{63,}/g, (run, character: string) => `<${character}*${run.length}>`)
}

/**
 * Bytes as lines for a recording. Where a chunked body is cut into chunks depends on how reads fell, so complete chunked
 * messages are shown with their content as one chunk. `messages` are those in `bytes`.
 */
export function canonicalLines(bytes: Buffer, messages: readonly RawMessage[], masker: Masker): string[] {
  const original = bytes.toString('latin1')
  let text = ''
  let at = 0
  for (const message of messages) {
    const whole = message.chunked && message.complete ? message.head + oneChunk(masker.text(message.body), message.trailers) : original.slice(message.start, message.end)
    text += original.slice(at, message.start) + whole
    at = message.end
  }
  text += original.slice(at)
  return text === '' ? [] : shortenRuns(masker.text(text)).split(/(?<=\n)/)
}

function oneChunk(body: string, trailers: readonly string[]): string {
  return `${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`
}

/** What an end of an HTTP/2 connection got, as lines for a recording. */
export function http2Lines(lines: readonly string[], masker: Masker): string[] {
  return lines.length === 0 ? [] : shortenRuns(masker.text(lines.join(''))).split(/(?<=\n)/)
}

/**
 * Byte totals of connections with HTTP/2: how many bytes header compression takes is the codec's choice and changes with the
 * generated ids, and window updates come when they come.
 */
export function isVaryingByteTotal(name: string, http2: { readonly downstream: boolean; readonly upstream: boolean }): boolean {
  return (http2.downstream && /^http\..*\.downstream_cx_[rt]x_bytes_total$/.test(name)) || (http2.upstream && /^cluster\..*\.upstream_cx_[rt]x_bytes_total$/.test(name))
}

/** Digits beyond the first in the service-time headers: they make byte totals vary and are taken off those. */
export function extraTimeDigits(bytes: Buffer): number {
  let extra = 0
  for (const match of bytes.toString('latin1').matchAll(/^x-envoy-upstream-service-time: (\d+)\r?$/gim)) extra += (match[1]?.length ?? 1) - 1
  return extra
}

export function isMaskedStat(name: string): boolean {
  return MASKED_STATS.some(({ pattern }) => pattern.test(name))
}
