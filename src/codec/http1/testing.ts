/** Test doubles for the HTTP/1 codec: a connection in memory and decoders that write down what they get. For tests and fuzzers. */
import type { TurnTask } from '../../contract/dispatcher.ts';
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
import { HeaderMap } from '../../contract/header-map.ts';
import { Http1ClientConnection } from './client-connection.ts';
import { Http1ServerConnection } from './server-connection.ts';
import type { ServerConnectionOptions } from './server-connection.ts';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP1_SETTINGS } from './settings.ts';
import type { Http1Settings } from './settings.ts';
import type { Http1CodecStats } from './stats.ts';

export class FakeCounter {
  value = 0;
  inc(): void {
    this.value++;
  }
}

export class FakeStats implements Http1CodecStats {
  readonly droppedHeadersWithUnderscores = new FakeCounter();
  readonly metadataNotSupportedError = new FakeCounter();
  readonly requestsRejectedWithUnderscoresInHeaders = new FakeCounter();
  readonly responseFlood = new FakeCounter();
}

/** Keeps what is written, as Latin-1 text. */
export class FakeConnection implements CodecConnection {
  written = '';
  /** Disables minus enables. */
  readDisables = 0;
  resumes = 0;
  endedWrite = false;
  pendingWriteBytes = 0;

  write(data: Uint8Array | string): void {
    this.written += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  }

  readDisable(disable: boolean): void {
    this.readDisables += disable ? 1 : -1;
  }

  resumeDispatch(): void {
    this.resumes++;
  }

  endWrite(): void {
    this.endedWrite = true;
  }

  /** HTTP/1 gathers nothing: there is no turn here to end. */
  atTurnEnd(task: TurnTask): void {
    task.onTurnEnd();
  }

  /** What was written since the last call. */
  take(): string {
    const written = this.written;
    this.written = '';
    return written;
  }
}

/** Events of one side as text; consecutive pieces of body are one event, so that logs do not depend on how input was cut. */
export class EventLog {
  readonly events: string[] = [];
  private inData = false;

  add(event: string): void {
    this.inData = false;
    this.events.push(event);
  }

  data(bytes: Buffer, endStream: boolean): void {
    const text = bytes.toString('latin1');
    if (this.inData) this.events[this.events.length - 1] += text;
    else if (text !== '') this.events.push('data ' + text);
    this.inData = this.inData || text !== '';
    if (endStream) this.add('end');
  }

  headers(kind: string, headers: HeaderMap, endStream: boolean): void {
    const text = headers.entries().map(([name, value]) => `${name}=${value}`);
    this.add(`${kind} ${text.join('|')}`);
    if (endStream) this.add('end');
  }
}

/** What a server connection made of its input. */
export class ServerRun implements ServerConnectionCallbacks {
  readonly connection = new FakeConnection();
  readonly stats = new FakeStats();
  readonly log = new EventLog();
  readonly codec: Http1ServerConnection;
  readonly encoders: ResponseEncoder[] = [];
  /** Answers each complete request with 204 at once; false = the test answers. */
  answers = true;

  constructor(settings: Http1Settings = DEFAULT_HTTP1_SETTINGS, options: ServerConnectionOptions = {}) {
    this.codec = new Http1ServerConnection(this.connection, this, settings, this.stats, options);
  }

  onGoAway(): void {}

  newStream(encoder: ResponseEncoder): RequestDecoder {
    this.encoders.push(encoder);
    this.log.add('begin');
    return new LoggingRequestDecoder(this, encoder);
  }

  /** Feeds pieces one after the other and notes the error, if any. */
  feed(...pieces: readonly (string | Buffer)[]): this {
    for (const piece of pieces) {
      const error = this.codec.dispatch(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
      if (error !== null) this.log.add(`error ${error.kind} ${error.status} ${error.details}`);
    }
    return this;
  }
}

class LoggingRequestDecoder implements RequestDecoder {
  private readonly run: ServerRun;
  private readonly encoder: ResponseEncoder;

  constructor(run: ServerRun, encoder: ResponseEncoder) {
    this.run = run;
    this.encoder = encoder;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.run.log.headers('request', headers, endStream);
    if (endStream) this.answer();
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.run.log.data(data, endStream);
    if (endStream) this.answer();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.run.log.headers('trailers', trailers, true);
    this.answer();
  }

  sendLocalReply(status: number, body: string, details: string): void {
    this.run.log.add(`reply ${status} ${body} ${details}`);
  }

  private answer(): void {
    if (this.run.answers) this.encoder.encodeHeaders(HeaderMap.of([':status', '204']), true);
  }
}

/** What a client connection made of its input. */
export class ClientRun implements ResponseDecoder, StreamCallbacks {
  readonly connection = new FakeConnection();
  readonly stats = new FakeStats();
  readonly log = new EventLog();
  readonly codec: Http1ClientConnection;

  constructor(settings: Http1Settings = DEFAULT_HTTP1_CLIENT_SETTINGS) {
    this.codec = new Http1ClientConnection(this.connection, settings, this.stats);
  }

  /** Starts a request. */
  request(headers: HeaderMap, endStream = true): RequestEncoder {
    const encoder = this.codec.newStream(this);
    encoder.stream.addCallbacks(this);
    const refused = encoder.encodeHeaders(headers, endStream);
    if (refused !== null) this.log.add('refused ' + refused);
    return encoder;
  }

  get(path = '/', method = 'GET'): RequestEncoder {
    return this.request(HeaderMap.of([':authority', 'a'], [':path', path], [':method', method]));
  }

  feed(...pieces: readonly (string | Buffer)[]): this {
    for (const piece of pieces) {
      const error = this.codec.dispatch(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
      if (error !== null) this.log.add(`error ${error.kind} ${error.details}`);
    }
    return this;
  }

  /** The upstream closes. */
  close(): this {
    const error = this.codec.onConnectionClose();
    if (error !== null) this.log.add(`error ${error.kind} ${error.details}`);
    return this;
  }

  decode1xxHeaders(headers: HeaderMap): void {
    this.log.headers('informational', headers, false);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.log.headers('response', headers, endStream);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.log.data(data, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.log.headers('trailers', trailers, true);
  }

  onResetStream(reason: StreamResetReason): void {
    this.log.add(`reset ${reason}`);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.log.add('above');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.log.add('below');
  }
}
