// What is compared of one case, and how two of them are compared.

/** What one client or origin connection saw. */
export interface SeenConnection {
  /** Everything received, line by line with line ends, masked. */
  readonly received: readonly string[]
  /** How the proxy left it at the end of the case, before the runner closes anything. */
  readonly ended: string
}

/** Everything observed of one case. */
export interface Observation {
  /** Client connections by name. */
  readonly clients: Readonly<Record<string, SeenConnection>>
  /** Connections that each origin got, in order. */
  readonly origins: Readonly<Record<string, readonly SeenConnection[]>>
  /** Access-log lines, masked, sorted where connections may end in any order. */
  readonly log: readonly string[]
  /** Change of every statistic that changed. */
  readonly stats: Readonly<Record<string, number>>
}

/** Envoy's answers to one scenario file. */
export interface Recording {
  readonly scenario: string
  readonly hash: string
  readonly envoy: string
  readonly cases: Readonly<Record<string, Observation>>
}

/** One thing that differs. `path` is such as `clients.a.received.3` or `stats.cluster.origin.upstream_rq_total`. */
export interface Mismatch {
  readonly path: string
  readonly envoy: string | undefined
  readonly nuncio: string | undefined
}

/** What differs between two observations; empty when they are equal. `ignore`: patterns of paths that do not count here, with reasons. */
export function compare(envoy: Observation, nuncio: Observation, ignore: Readonly<Record<string, string>> = {}): Mismatch[] {
  const patterns = Object.keys(ignore).map((pattern) => new RegExp(`^${pattern}$`))
  return compareAll(envoy, nuncio).filter((mismatch) => !patterns.some((pattern) => pattern.test(mismatch.path)))
}

function compareAll(envoy: Observation, nuncio: Observation): Mismatch[] {
  const mismatches: Mismatch[] = []
  const left = sections(envoy)
  const right = sections(nuncio)
  for (const name of new Set([...left.keys(), ...right.keys()])) compareLines(name, left.get(name), right.get(name), mismatches)
  for (const name of [...new Set([...Object.keys(envoy.stats), ...Object.keys(nuncio.stats)])].sort()) {
    const values = [envoy.stats[name] ?? 0, nuncio.stats[name] ?? 0]
    if (values[0] !== values[1]) mismatches.push({ path: `stats.${name}`, envoy: String(values[0]), nuncio: String(values[1]) })
  }
  return mismatches
}

/** The parts that are lists of lines, by path. */
function sections(seen: Observation): Map<string, readonly string[]> {
  const parts = new Map<string, readonly string[]>([['log', seen.log]])
  for (const [name, connection] of Object.entries(seen.clients)) {
    parts.set(`clients.${name}.received`, connection.received)
    parts.set(`clients.${name}.ended`, [connection.ended])
  }
  for (const [name, connections] of Object.entries(seen.origins)) {
    connections.forEach((connection, index) => {
      parts.set(`origins.${name}.${index}.received`, connection.received)
      parts.set(`origins.${name}.${index}.ended`, [connection.ended])
    })
  }
  return parts
}

function compareLines(path: string, left: readonly string[] = [], right: readonly string[] = [], into: Mismatch[]): void {
  if (left.join('') === right.join('') && left.length === right.length) return
  // Lines that only one side has, in order; equal ones in another order are reported as such.
  const onlyLeft = minus(left, right)
  const onlyRight = minus(right, left)
  if (onlyLeft.length === 0 && onlyRight.length === 0) {
    into.push({ path: `${path}.order`, envoy: left.join(''), nuncio: right.join('') })
    return
  }
  const rows = Math.max(onlyLeft.length, onlyRight.length)
  for (let row = 0; row < rows; row++) into.push({ path, envoy: onlyLeft[row], nuncio: onlyRight[row] })
}

function minus(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

/** A mismatch as two lines for people. */
export function describeMismatch(mismatch: Mismatch): string {
  const show = (text: string | undefined): string => (text === undefined ? '(nothing)' : JSON.stringify(text))
  return `    ${mismatch.path}\n      envoy  ${show(mismatch.envoy)}\n      nuncio ${show(mismatch.nuncio)}`
}
