import { NO_ENTRY } from './encoder-table.ts';
import { STATIC_COUNT, STATIC_INDEX_OF_NAME, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** A place in no table; static places are negative indices, dynamic ones entry numbers. */
export const NOWHERE = -1000;

/** From so much on, a value is inserted only when it comes again. */
export const VOLATILE = 8;
/** Where the count of useless insertions ends, and where names that usually vary begin. */
export const MOST_WASTED = 16;

/** Names whose values mostly differ from message to message: two messages with the same one have to come before it gets a place. */
const VARYING: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'content-range',
  'etag',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'set-cookie',
  'traceparent',
  'x-amzn-trace-id',
  'x-b3-parentspanid',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-envoy-upstream-service-time',
  'x-request-id',
]);

/** Longer than any value. */
const ALL = 0x3fff_ffff;

/**
 * Values that are never put into a table because they could be guessed piece by piece from the length of what is sent (RFC 7541 section 7.1):
 * by name, those shorter than so many characters. The same as Envoy's library.
 */
const NEVER_INDEXED: ReadonlyMap<string, number> = new Map([
  ['authorization', ALL],
  ['proxy-authorization', ALL],
  ['cookie', 20],
]);

/** What an encoder knows of one header name: where the tables have it, and whether its values are worth a place. */
export class KnownName {
  readonly name: string;
  /** Values shorter than this are never indexed. */
  readonly neverIndexedBelow: number;
  /** First static index, or 0. */
  readonly staticIndex: number;
  /** Static indices of the name with a value are `[staticIndex, staticEnd)`. */
  readonly staticEnd: number;
  /** Number of the newest dynamic entry of this name, dead or alive. */
  newest: number;
  /** The value that was found or inserted last, and its place. */
  lastValue: string;
  lastPlace: number;
  /** Insertions less uses, between 0 and MOST_WASTED. */
  wasted: number;
  /** The name that followed in the last message. */
  next: KnownName | null;

  constructor(name: string) {
    const index = STATIC_INDEX_OF_NAME.get(name) ?? 0;
    let end = index;
    while (end > 0 && end <= STATIC_COUNT && STATIC_NAMES[end] === name && STATIC_VALUES[end] !== '') end++;
    this.name = name;
    this.neverIndexedBelow = NEVER_INDEXED.get(name) ?? 0;
    this.staticIndex = index;
    this.staticEnd = end;
    this.newest = NO_ENTRY;
    this.lastValue = '';
    this.lastPlace = NOWHERE;
    this.wasted = VARYING.has(name) ? MOST_WASTED : 0;
    this.next = null;
  }

  /** The entry of this number is gone: its value must not stay in memory. */
  forget(number: number): void {
    if (this.lastPlace !== number) return;
    this.lastValue = '';
    this.lastPlace = NOWHERE;
  }
}

/** Names that are remembered before those without a live entry are forgotten. */
const FIRST_SWEEP = 256;

/** The names of one connection's headers. Bounded: by FIRST_SWEEP, or twice the names that have an entry in the table. */
export class KnownNames {
  private readonly byName: Map<string, KnownName>;
  private sweepAt: number;

  constructor() {
    this.byName = new Map();
    this.sweepAt = FIRST_SWEEP;
  }

  /** `oldest`: number of the oldest live entry. */
  get(name: string, oldest: number): KnownName {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    if (this.byName.size >= this.sweepAt) this.sweep(oldest);
    const added = new KnownName(name);
    this.byName.set(name, added);
    return added;
  }

  private sweep(oldest: number): void {
    for (const [name, known] of this.byName) {
      known.next = null;
      if (known.newest < oldest) this.byName.delete(name);
    }
    this.sweepAt = Math.max(FIRST_SWEEP, this.byName.size * 2);
  }
}
