/** Runs one case against a stand and says what it came to. */
import { Http2Client, until } from '../../harness/index.ts';
import { errorName } from '../../harness/http2-frames.ts';
import type { PeerStream, RawMessage } from '../../harness/index.ts';
import type { Stand } from '../stand.ts';
import type { AttackCase, Verdict } from './case.ts';
import { ping } from './wire.ts';

const WATCHED = /^(?:http2\.(?!.*(?:active|pending))|http\.museum\.downstream_(?:cx_protocol_error|rq_(?:[rt]x_reset|too_large|too_many_premature_resets|timeout|header_timeout|idle_timeout|overload_close|1xx|[2345]xx)|cx_overload|cx_max_requests))/;

async function counters(stand: Stand): Promise<Map<string, number>> {
  const { body } = await stand.admin('/stats?filter=http2%7Cdownstream');
  const all = new Map<string, number>();
  for (const line of body.split('\n')) {
    const [name = '', value = ''] = line.split(': ');
    if (WATCHED.test(name) && Number.isInteger(Number(value))) all.set(name, Number(value));
  }
  return all;
}

/** Counts equal lines. */
function tally(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => `${line} ×${count}`).sort();
}

function outcome(stream: PeerStream): string {
  const parts: string[] = stream.blocks.map((fields) => fields.find(([name]) => name === ':status')?.[1] ?? 'trailers');
  if (stream.reset !== null) parts.push(`reset ${errorName(stream.reset)}`);
  else if (!stream.ended) parts.push('open');
  return parts.join(' ');
}

/** Every field and byte, but for what differs from run to run. */
function everything(stream: PeerStream): string {
  const blocks = stream.blocks.map((fields) => fields.filter(([name]) => !/^(?:date|server|x-envoy-upstream-service-time)$/.test(name)).map((field) => field.join('=')).join(' '));
  const end = stream.reset === null ? (stream.ended ? 'end' : 'open') : `reset ${errorName(stream.reset)}`;
  return [...blocks, JSON.stringify(stream.data), end].join(' | ');
}

let sentinels = 0;

/** A request of another client: everything before it is in the log and the statistics when it is. */
async function sentinel(stand: Stand): Promise<string> {
  const path = `/sentinel-${++sentinels}`;
  await stand.get(path);
  await until(`the log has ${path}`, () => (stand.logText().includes(`${path}\n`) ? true : undefined));
  return path;
}

/** Milliseconds for what only may come. */
const GRACE = 5_000;

async function play(client: Http2Client, one: AttackCase): Promise<void> {
  const made = one.send();
  const pieces = Buffer.isBuffer(made) ? [made] : made;
  const { peer } = client;
  if (one.deaf === true) client.pause();
  for (const [i, piece] of pieces.entries()) {
    peer.write(piece);
    if (one.deaf === true || typeof one.until === 'string' || i === pieces.length - 1) continue;
    peer.write(ping());
    await peer.waitFor(() => peer.pingAcks > i || peer.ended !== 'open', GRACE);
  }
  if (one.deaf === true) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.resume();
  }
  if (one.until === 'leave') {
    await client.resetConnection();
    return;
  }
  if (one.until === 'close') {
    await peer.waitFor(() => peer.ended !== 'open', GRACE);
    return;
  }
  const { answers } = one.until;
  await peer.waitFor(() => [...peer.streams.values()].filter((stream) => stream.done).length >= answers || peer.ended !== 'open', GRACE);
  const acks = peer.pingAcks;
  peer.write(ping());
  await peer.waitFor(() => peer.pingAcks > acks || peer.ended !== 'open', GRACE);
}

export async function observe(stand: Stand, one: AttackCase): Promise<Verdict> {
  const from = (await sentinel(stand)) + '\n';
  const before = await counters(stand);
  const requestsBefore = typeof one.until === 'string' ? [] : messagesOf(stand);
  const client = await Http2Client.connect({ port: stand.port }, { preface: one.preface !== false, windows: 'none', acks: false, settings: {} });
  let ended: string;
  try {
    await play(client, one);
    ended = client.ended;
  } finally {
    await client.close();
  }
  const { peer } = client;
  const to = await sentinel(stand);
  const after = await counters(stand);
  const stats: Record<string, number> = {};
  for (const [name, value] of after) if (value !== (before.get(name) ?? 0) && !isOfSentinel(name)) stats[name] = value - (before.get(name) ?? 0);
  const log = stand.logText().split(from)[1]?.split('\n').slice(0, -1).filter((line) => !line.endsWith(to)) ?? [];
  const streams = [...peer.streams.values()].filter((stream) => stream.events.length > 0 || stream.ended);
  return {
    goaway: peer.goaway === null ? '' : errorName(peer.goaway),
    ended,
    streams: tally(streams.map(one.stand === 'answers' ? everything : outcome)),
    stats,
    log: tally(log),
    // A connection error may or may not leave time to pass the request on.
    origin: typeof one.until === 'string' ? [] : tally(added(requestsBefore, messagesOf(stand))),
  };
}

function messagesOf(stand: Stand): string[] {
  return stand.origin.requests().map((message) => textOf(message));
}

/** What is in `after` and not in `before`; their orders differ. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...before];
  return after.filter((text) => {
    const at = rest.indexOf(text);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function isOfSentinel(name: string): boolean {
  return name === 'http.museum.downstream_rq_2xx';
}

function textOf({ head, body, complete }: RawMessage): string {
  const text = `${head}${body}${complete ? '' : ' (incomplete)'}`.replace(/x-(?:forwarded-proto|request-id): [^\r]*\r\n/g, '');
  return text.length > 600 ? `${text.slice(0, 600)}… ${text.length} characters` : text;
}
