// The reviewed list of what may differ from Envoy 1.40. Everything that is not here must be equal.
import type { Mismatch } from './observation.ts'

/** One allowed difference. */
export interface Difference {
  /** Matches `scenario/case`. */
  readonly where: RegExp
  /** Matches the path of the mismatch, such as `stats.http.ingress.x` or `clients.a.received`. */
  readonly path: RegExp
  /** What Envoy shows must match, where given. */
  readonly envoy?: RegExp
  /** What nuncio shows must match, where given. */
  readonly nuncio?: RegExp
  /** Why this is right, in words for the user: it is listed in docs/user/differences.md. */
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    where: /^network\/connection-limit-off\//,
    path: /^stats\.connection_limit\.limit\.active_connections$/,
    envoy: /^"?18446744073709552000"?$/,
    nuncio: /^"?0"?$/,
    reason: 'connections that `connection_limit` did not count, because the runtime had switched it off, are not taken off its gauge and its count; Envoy goes below zero, and then refuses everybody',
  },
  {
    where: /^http2\/origin-misbehaves@.*\/a value with spaces around it$/,
    path: /^(clients\.a\.received|stats\.http\.ingress\.downstream_cx_tx_bytes_total)$/,
    reason: 'blanks around a value that came over HTTP/2, where they are forbidden (RFC 9113 section 8.2.1), do not go on',
  },
  {
    where: /^http2\/origin-misbehaves@.*\/status 099$/,
    path: /./,
    reason: 'a response whose status is below 100 is malformed and becomes a 502; Envoy hands it on',
  },
  {
    where: /^http2\/origin-misbehaves@.*\/FIN within a frame$/,
    path: /./,
    reason: 'what came of a DATA frame goes on at once; Envoy waits for the whole frame, and drops it when the connection ends within it',
  },
  {
    where: /^grpc\/transcoder-/,
    path: /^stats\.http\.ingress\.transcoder_response_buffer_bytes$/,
    nuncio: /^"?0"?$/,
    reason: 'the gauge `transcoder_response_buffer_bytes` goes back to what is held; in Envoy it grows with every response',
  },
  {
    where: /^grpc\/(reverse-)?transcoder/,
    path: /^(origins\.origin\.\d+\.(received|ended)|stats\.cluster\.origin\.(http2\.tx_reset|upstream_rq_tx_reset|upstream_cx_destroy_\w+))$/,
    envoy: /RST_STREAM INTERNAL_ERROR|^"?[01]"?$|fin/,
    reason: 'a response that cannot be transcoded has come whole when it is refused: there is nothing left to reset upstream, and the connection is kept',
  },
  {
    where: /^(http2\/(connection-errors|replies|origin-resets|origin-misbehaves|streams)|tunnels\/(websocket-h2|websocket-h2-off|connect-h2)@)/,
    path: /^(clients|origins)\..*received$/,
    nuncio: /^"?(GOAWAY [A-Z_]+ last=\d+ .|SETTINGS )/,
    reason: 'a connection that ends by a message that HTTP/2 forbids is told so by GOAWAY with the reason in words (RFC 9113 section 5.4.1); Envoy closes it without a word',
  },
  {
    where: /^health\/transitions\/degraded, and no longer$/,
    path: /^clients\.a\.received$/,
    envoy: /health_check\.degraded: 1/,
    nuncio: /health_check\.degraded: 0/,
    reason: 'a host that is degraded no longer leaves the gauge `health_check.degraded`; Envoy forgets to take it back',
  },
  {
    where: /^tunnels\/[^/]+\/403 with the headers of an upgrade$/,
    path: /./,
    reason: 'a refusal that has the headers of an upgrade ends where its length says; Envoy takes what follows for the payload of a tunnel',
  },
  {
    where: /^admin\/endpoints\/hot restart version$/,
    path: /^clients\.a\.received$/,
    reason: 'nuncio has no hot restart and says so, as Envoy does under --disable-hot-restart',
  },
  {
    where: /^http1\/chunks\/extension of 20 kB$/,
    path: /./,
    reason: 'nuncio refuses a chunk line of more than 16 KiB; Envoy reads extensions without an end (the attack of CVE-2024-22019)',
  },
  {
    where: /^errors\/delayed-close\/client goes on sending$/,
    path: /^(clients\.a\.ended|stats\.http\.ingress\.downstream_cx_rx_bytes_total)$/,
    reason: 'after its last answer Envoy leaves what the client sends unread, so the kernel resets at the end; Node sees the client leave only by reading, so nuncio reads and drops',
  },
  {
    where: /^http1\/bad-origin\/answer before the request is complete$/,
    path: /^stats\.http\.ingress\.downstream_cx_rx_bytes_total$/,
    reason: 'bytes after an early answer are read and dropped, and counted (see errors/delayed-close)',
  },
]

/** The entry that allows a mismatch, or undefined. */
export function allowedBy(where: string, mismatch: Mismatch): Difference | undefined {
  return DIFFERENCES.find(
    (entry) => entry.where.test(where) && entry.path.test(mismatch.path) && (entry.envoy?.test(mismatch.envoy ?? '') ?? true) && (entry.nuncio?.test(mismatch.nuncio ?? '') ?? true),
  )
}
