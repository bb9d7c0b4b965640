/** Test doubles for the HTTP/2 codec: a connection in memory, a peer that writes and reads frames, logs of what a codec made of it. */
import type {
  CodecConnection,
  RequestDecoder,
  RequestEncoder,
  ResponseDecoder,
  ResponseEncoder,
  ServerConnectionCallbacks,
  StreamCallbacks,
  StreamResetReason,
} from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import type { CodecError } from '../../contract/errors.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { Http2ClientConnection } from './client-connection.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADER_SIZE,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  PREFACE,
  readUint24,
  readUint31,
  writeFrameHeader,
} from './frame.ts';
import { HpackDecoder, HpackEncoder, OutBuffer } from './hpack/index.ts';
import { http2ConnectionOptions } from './options.ts';
import type { Http2ConnectionOptions, Http2Listener } from './options.ts';
import { Http2ServerConnection } from './server-connection.ts';
import { http2Settings } from './settings.ts';
import type { Http2Settings } from './settings.ts';
import { HTTP2_COUNTERS, HTTP2_GAUGES } from './stats.ts';
import type { Http2CodecStats } from './stats.ts';

export class FakeStat {
  value = 0;
  inc(): void {
    this.value++;
  }
  dec(): void {
    this.value--;
  }
  add(amount: number): void {
    this.value += amount;
  }
  sub(amount: number): void {
    this.value -= amount;
  }
}

/** All stats by property; `changed` is what is not zero. */
export class FakeStats {
  readonly all: ReadonlyMap<string, FakeStat> = new Map([...Object.keys(HTTP2_COUNTERS), ...Object.keys(HTTP2_GAUGES)].map((name) => [name, new FakeStat()]));

  /** The same stats in the codec's shape. */
  get handles(): Http2CodecStats {
    return Object.fromEntries(this.all) as unknown as Http2CodecStats;
  }

  value(name: keyof Http2CodecStats): number {
    return this.all.get(name)?.value ?? NaN;
  }
}

/** Keeps what is written, and the turn's tasks. */
export class MemoryConnection implements CodecConnection {
  pendingWriteBytes = 0;
  writes = 0;
  private pieces: Buffer[] = [];
  private tasks: TurnTask[] = [];

  write(data: Uint8Array | string): void {
    this.writes++;
    this.pieces.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data));
  }

  readDisable(): void {}
  resumeDispatch(): void {}
  endWrite(): void {}

  atTurnEnd(task: TurnTask): void {
    this.tasks.push(task);
  }

  endTurn(): void {
    while (this.tasks.length > 0) {
      const tasks = this.tasks;
      this.tasks = [];
      for (const task of tasks) task.onTurnEnd();
    }
  }

  /** What was written since the last call, after the turn has ended. */
  take(): Buffer {
    this.endTurn();
    const bytes = Buffer.concat(this.pieces);
    this.pieces = [];
    return bytes;
  }
}

export type Pairs = readonly (readonly [string, string])[];

export const GET: Pairs = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']];
export const POST: Pairs = [[':method', 'POST'], ...GET.slice(1)];

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const bytes = Buffer.alloc(FRAME_HEADER_SIZE + body.length);
  writeFrameHeader(bytes, 0, body.length, type, flags, streamId);
  bytes.set(body, FRAME_HEADER_SIZE);
  return bytes;
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function data(streamId: number, body: string | Uint8Array, end = false): Buffer {
  return frame(FRAME_DATA, end ? FLAG_END_STREAM : 0, streamId, body);
}

export function reset(streamId: number, code: number): Buffer {
  return frame(FRAME_RST_STREAM, 0, streamId, word(code));
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FRAME_WINDOW_UPDATE, 0, streamId, word(increment));
}

export function settingsFrame(...entries: readonly (readonly [number, number])[]): Buffer {
  return frame(FRAME_SETTINGS, 0, 0, Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), word(value)]))));
}

export function goAway(lastStreamId: number, code: number): Buffer {
  return frame(FRAME_GOAWAY, 0, 0, Buffer.concat([word(lastStreamId), word(code)]));
}

/** The other end: coder of its header blocks and decoder of ours. */
export class Peer {
  readonly encoder = new HpackEncoder(4096, true);
  readonly decoder = new HpackDecoder(4096);
  private rest: Buffer = Buffer.alloc(0);

  block(pairs: Pairs): Buffer {
    const out = new OutBuffer(256);
    for (const [name, value] of pairs) this.encoder.encode(name, value, out);
    return Buffer.from(out.bytes.subarray(0, out.position));
  }

  headers(streamId: number, pairs: Pairs, end = false): Buffer {
    return frame(FRAME_HEADERS, FLAG_END_HEADERS | (end ? FLAG_END_STREAM : 0), streamId, this.block(pairs));
  }

  /** Frames as text: `HEADERS 1 end :status=200`, `DATA 1 end abc`, `RST 1 7`. Long bodies are shown by their length. */
  read(bytes: Buffer): string[] {
    let input = Buffer.concat([this.rest, bytes]);
    if (input.subarray(0, PREFACE.length).equals(PREFACE)) input = input.subarray(PREFACE.length);
    const shown: string[] = [];
    while (input.length >= FRAME_HEADER_SIZE && input.length >= FRAME_HEADER_SIZE + readUint24(input, 0)) {
      const end = FRAME_HEADER_SIZE + readUint24(input, 0);
      shown.push(this.show(input[3], input[4], readUint31(input, 5), input.subarray(FRAME_HEADER_SIZE, end)));
      input = input.subarray(end);
    }
    this.rest = input;
    return shown;
  }

  private show(type: number, flags: number, id: number, payload: Buffer): string {
    const end = (flags & FLAG_END_STREAM) !== 0 ? ' end' : '';
    switch (type) {
      case FRAME_DATA:
        return `DATA ${id}${end} ${payload.length > 40 ? payload.length : payload.toString('latin1')}`.trimEnd();
      case FRAME_HEADERS: {
        const fields: string[] = [];
        this.decoder.decode(payload, 0, payload.length, { onHeader: (name, value) => fields.push(`${name}=${value}`) > 0 });
        return `HEADERS ${id}${end} ${fields.join('|')}`;
      }
      case FRAME_RST_STREAM:
        return `RST ${id} ${payload.readUInt32BE()}`;
      case FRAME_WINDOW_UPDATE:
        return `WINDOW ${id} ${payload.readUInt32BE()}`;
      case FRAME_SETTINGS:
        return (flags & FLAG_ACK) !== 0 ? 'SETTINGS ack' : `SETTINGS ${payload.toString('hex')}`;
      case FRAME_PING:
        return `PING${(flags & FLAG_ACK) !== 0 ? ' ack' : ''} ${payload.toString('hex')}`;
      case FRAME_GOAWAY:
        return `GOAWAY ${payload.readUInt32BE()} ${payload.readUInt32BE(4)} ${payload.toString('latin1', 8)}`.trimEnd();
      default:
        return `FRAME ${type} ${flags} ${id} ${payload.toString('hex')}`;
    }
  }
}

function showHeaders(kind: string, headers: HeaderMap, end: boolean): string {
  return `${kind} ${headers.entries().map(([name, value]) => `${name}=${value}`).join('|')}${end ? ' end' : ''}`;
}

/** What both sides of a test have. */
abstract class Run implements Http2Listener {
  readonly connection = new MemoryConnection();
  readonly stats = new FakeStats();
  readonly peer = new Peer();
  readonly log: string[] = [];
  readonly clock = { time: 0, now: (): number => this.clock.time };
  frames = 0;

  protected options(changes: Partial<Http2ConnectionOptions>): Http2ConnectionOptions {
    return http2ConnectionOptions(this.clock, { listener: this, ...changes });
  }

  protected note(error: CodecError | null): void {
    if (error !== null) this.log.push(`error ${error.kind} ${error.message}`);
  }

  onFrameReceived(): void {
    this.frames++;
  }

  onPingAck(): void {
    this.log.push('ping ack');
  }

  onOutboundFlood(error: CodecError): void {
    this.log.push(`flood ${error.message}`);
  }

  /** Frames written since the last call. */
  sent(): string[] {
    return this.peer.read(this.connection.take());
  }

  /** The log since the last call. */
  events(): string[] {
    return this.log.splice(0);
  }
}

/** A request at a server, with its encoder; logs what comes. */
export class TestRequest implements RequestDecoder, StreamCallbacks {
  readonly encoder: ResponseEncoder;
  private readonly run: ServerRun;

  constructor(run: ServerRun, encoder: ResponseEncoder) {
    this.run = run;
    this.encoder = encoder;
    encoder.stream.addCallbacks(this);
  }

  private get id(): number {
    return this.encoder.stream.codecStreamId;
  }

  private add(text: string): void {
    this.run.log.push(`${this.id} ${text}`);
  }

  decodeHeaders(headers: HeaderMap, end: boolean): void {
    this.add(showHeaders('request', headers, end));
    this.run.onRequest?.(this, headers, end);
  }

  decodeData(bytes: Buffer, end: boolean): void {
    this.add(`data ${bytes.length > 40 ? bytes.length : bytes.toString('latin1')}${end ? ' end' : ''}`);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.add(showHeaders('trailers', trailers, true));
  }

  decodeMetadata(metadata: ReadonlyMap<string, string>): void {
    this.add(`metadata ${JSON.stringify([...metadata])}`);
  }

  sendLocalReply(status: number): void {
    this.add(`reply ${status}`);
  }

  onResetStream(reason: StreamResetReason): void {
    this.add(`reset ${reason} ${this.encoder.stream.responseDetails}`.trimEnd());
  }

  onAboveWriteBufferHighWatermark(): void {
    this.add('above');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.add('below');
  }

  onCodecEncodeComplete(): void {
    this.add('complete');
  }

  answer(body = '', extra: Pairs = []): void {
    this.encoder.encodeHeaders(HeaderMap.of([':status', '200'], ...extra), body === '');
    if (body !== '') this.encoder.encodeData(Buffer.from(body, 'latin1'), true);
  }
}

/** A server connection and the client that it talks to. */
export class ServerRun extends Run implements ServerConnectionCallbacks {
  readonly codec: Http2ServerConnection;
  readonly requests: TestRequest[] = [];
  onRequest: ((request: TestRequest, headers: HeaderMap, end: boolean) => void) | null = null;

  constructor(settings: Partial<Http2Settings> = {}, options: Partial<Http2ConnectionOptions> = {}) {
    super();
    this.codec = new Http2ServerConnection(this.connection, this, http2Settings(settings), this.stats.handles, this.options(options));
  }

  onGoAway(): void {
    this.log.push('goaway');
  }

  newStream(encoder: ResponseEncoder): RequestDecoder {
    const request = new TestRequest(this, encoder);
    this.requests.push(request);
    return request;
  }

  feed(...pieces: readonly Buffer[]): this {
    for (const piece of pieces) this.note(this.codec.dispatch(piece));
    return this;
  }

  /** Preface and settings both ways; what was said of that is forgotten. */
  open(...entries: readonly (readonly [number, number])[]): this {
    this.feed(Buffer.concat([PREFACE, settingsFrame(...entries), frame(FRAME_SETTINGS, FLAG_ACK, 0)]));
    this.sent();
    this.events();
    return this;
  }
}

/** A response at a client; logs what comes. */
export class TestResponse implements ResponseDecoder, StreamCallbacks {
  readonly encoder: RequestEncoder;
  private readonly run: ClientRun;

  constructor(run: ClientRun) {
    this.run = run;
    this.encoder = run.codec.newStream(this);
    this.encoder.stream.addCallbacks(this);
  }

  private add(text: string): void {
    this.run.log.push(`${this.encoder.stream.codecStreamId} ${text}`);
  }

  send(pairs: Pairs = GET, end = true): this {
    const refused = this.encoder.encodeHeaders(HeaderMap.of(...pairs), end);
    if (refused !== null) this.add(`refused ${refused}`);
    return this;
  }

  decode1xxHeaders(headers: HeaderMap): void {
    this.add(showHeaders('informational', headers, false));
  }

  decodeHeaders(headers: HeaderMap, end: boolean): void {
    this.add(showHeaders('response', headers, end));
  }

  decodeData(bytes: Buffer, end: boolean): void {
    this.add(`data ${bytes.length > 40 ? bytes.length : bytes.toString('latin1')}${end ? ' end' : ''}`);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.add(showHeaders('trailers', trailers, true));
  }

  onResetStream(reason: StreamResetReason): void {
    this.add(`reset ${reason} ${this.encoder.stream.responseDetails}`.trimEnd());
  }

  onAboveWriteBufferHighWatermark(): void {
    this.add('above');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.add('below');
  }
}

/** A client connection and the server that it talks to. */
export class ClientRun extends Run {
  readonly codec: Http2ClientConnection;

  constructor(settings: Partial<Http2Settings> = {}, options: Partial<Http2ConnectionOptions> = {}) {
    super();
    this.codec = new Http2ClientConnection(this.connection, this, http2Settings(settings), this.stats.handles, this.options(options));
  }

  onGoAway(): void {
    this.log.push('goaway');
  }

  onSettings(maxConcurrentStreams: number): void {
    this.log.push(`settings ${maxConcurrentStreams}`);
  }

  request(pairs: Pairs = GET, end = true): TestResponse {
    return new TestResponse(this).send(pairs, end);
  }

  feed(...pieces: readonly Buffer[]): this {
    for (const piece of pieces) this.note(this.codec.dispatch(piece));
    return this;
  }

  open(...entries: readonly (readonly [number, number])[]): this {
    this.feed(Buffer.concat([settingsFrame(...entries), frame(FRAME_SETTINGS, FLAG_ACK, 0)]));
    this.sent();
    this.events();
    return this;
  }
}
