/** Node's http2 (nghttp2) as a server on a connection in memory, fed with raw frames. */
import http2 from 'node:http2';
import { Duplex } from 'node:stream';
import type { Field } from './reference.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME_HEADER = 9;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const END_STREAM_AND_HEADERS = 5;
const ACK = 1;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The end of a connection that a test holds. */
class Pipe extends Duplex {
  private chunks: Buffer[] = [];
  private onFrame: (type: number, flags: number, payload: Buffer) => void;

  constructor(onFrame: (type: number, flags: number, payload: Buffer) => void) {
    super();
    this.onFrame = onFrame;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    let bytes = Buffer.concat(this.chunks);
    while (bytes.length >= FRAME_HEADER && bytes.length >= FRAME_HEADER + bytes.readUIntBE(0, 3)) {
      const end = FRAME_HEADER + bytes.readUIntBE(0, 3);
      this.onFrame(bytes[3], bytes[4], bytes.subarray(FRAME_HEADER, end));
      bytes = bytes.subarray(end);
    }
    this.chunks = [bytes];
    done();
  }
}

export interface NodeVerdict {
  /** Code of the GOAWAY, or -1. */
  readonly goAway: number;
  /** Fields of each block that was a request to nghttp2's liking, by number. */
  readonly requests: ReadonlyMap<number, readonly Field[]>;
}

/** One session, its header blocks on streams 1, 3, 5 …; settled by the answer to a PING behind them, or by GOAWAY. */
export function runNode(blocks: readonly Buffer[]): Promise<NodeVerdict> {
  return new Promise((resolve) => {
    const requests = new Map<number, readonly Field[]>();
    let settled = false;
    const settle = (goAway: number): void => {
      if (settled) return;
      settled = true;
      // Requests are told of a little after they were read.
      setImmediate(() => {
        session.destroy();
        pipe.destroy();
        resolve({ goAway, requests });
      });
    };
    const pipe = new Pipe((type, flags, payload) => {
      if (type === GOAWAY) settle(payload.readUInt32BE(4));
      if (type === PING && (flags & ACK) !== 0) settle(-1);
    });
    pipe.on('error', () => {});
    const session = http2.performServerHandshake(pipe);
    session.on('error', () => {});
    session.on('stream', (stream, _headers, _flags, raw: unknown) => {
      stream.on('error', () => {});
      requests.set(((stream.id ?? 1) - 1) / 2, rawFields(raw));
      // Nothing is answered: an answer would only be in the way.
    });
    const frames = blocks.map((block, i) => frame(HEADERS, END_STREAM_AND_HEADERS, 2 * i + 1, block));
    pipe.push(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...frames, frame(PING, 0, 0, Buffer.alloc(8))]));
  });
}

/** What a stream came to. */
export interface StreamResult {
  body: number;
  ended: boolean;
  trailers: boolean;
}

export interface ConnectionVerdict {
  /** Nothing was refused: no GOAWAY, no RST_STREAM, and the PING behind all was answered. */
  readonly accepted: boolean;
  readonly streams: Readonly<Record<string, StreamResult>>;
}

const RST_STREAM = 3;
/** Node answers within a turn or two of its loop, or not at all. */
const PATIENCE_MS = 200;

/** A client's whole connection, preface first, ending with a whole frame. */
export function runNodeConnection(bytes: Buffer): Promise<ConnectionVerdict> {
  return new Promise((resolve) => {
    const streams: Record<string, StreamResult> = {};
    let accepted = true;
    let answered = false;
    const pipe = new Pipe((type, flags) => {
      if (type === GOAWAY || type === RST_STREAM) accepted = false;
      if (type === PING && (flags & ACK) !== 0 && !answered) finish();
    });
    const finish = (): void => {
      answered = true;
      clearTimeout(timer);
      // Bodies and ends are told of a little after they were read.
      setTimeout(() => {
        const verdict = { accepted, streams: structuredClone(streams) };
        session.destroy();
        pipe.destroy();
        resolve(verdict);
      }, 2);
    };
    const timer = setTimeout(() => {
      accepted = false;
      finish();
    }, PATIENCE_MS);
    pipe.on('error', () => {});
    const session = http2.performServerHandshake(pipe, { settings: { enableConnectProtocol: false, initialWindowSize: 65_535 } });
    session.on('error', () => {});
    session.on('stream', (stream) => {
      const result: StreamResult = { body: 0, ended: false, trailers: false };
      streams[String(stream.id)] = result;
      stream.on('error', () => {});
      stream.on('data', (piece: Buffer) => (result.body += piece.length));
      stream.on('end', () => (result.ended = true));
      stream.on('trailers', () => (result.trailers = true));
    });
    pipe.push(Buffer.concat([bytes, frame(PING, 0, 0, Buffer.from('sentinel'))]));
  });
}

function rawFields(raw: unknown): Field[] {
  if (!Array.isArray(raw)) return [];
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([String(raw[i]), String(raw[i + 1])]);
  return fields;
}
