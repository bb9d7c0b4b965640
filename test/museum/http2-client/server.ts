/** An HTTP/2 server that says what a case tells it to, and keeps what the proxy's client does about it. */
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { errorName, FRAME_TYPES, FrameReader, PREFACE } from '../../harness/http2-frames.ts';
import type { Frame } from '../../harness/http2-frames.ts';
import type { ServerCase } from './case.ts';
import { settings } from '../http2/wire.ts';

const NEVER: ServerCase = { id: '', name: '', reply: () => Buffer.alloc(0) };

export class MisbehavingServer {
  port = 0;
  /** RST_STREAM, GOAWAY and endings that came from the proxy, in order. */
  readonly seen: string[] = [];
  connections = 0;
  private current: ServerCase = NEVER;
  private ids: number[] = [];
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer({ allowHalfOpen: true }, (socket) => this.onConnection(socket));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  begin(one: ServerCase): void {
    this.current = one;
    this.seen.length = 0;
    this.ids = [];
    this.connections = 0;
  }

  async stop(): Promise<void> {
    this.dropAll();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** Ends what is open, so that the next case begins with a connection of its own. */
  dropAll(): void {
    this.current = NEVER;
    for (const socket of this.sockets) socket.destroy();
  }

  private onConnection(socket: net.Socket): void {
    const one = this.current;
    const reader = new FrameReader();
    let prefaceLeft = PREFACE.length;
    this.connections++;
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('end', () => {
      this.note(one, 'end');
      socket.end();
    });
    if (one.greeting !== null) socket.write(one.greeting ?? settings());
    socket.on('data', (bytes: Buffer) => {
      const skipped = Math.min(prefaceLeft, bytes.length);
      prefaceLeft -= skipped;
      for (const frame of reader.push(bytes.subarray(skipped))) this.onFrame(one, socket, frame);
    });
  }

  private note(one: ServerCase, what: string): void {
    if (this.current === one) this.seen.push(what);
  }

  private onFrame(one: ServerCase, socket: net.Socket, frame: Frame): void {
    const { type, payload, stream } = frame;
    if (type === FRAME_TYPES.RST_STREAM) this.note(one, `RST_STREAM ${stream} ${errorName(payload.readUInt32BE(0))}`);
    else if (type === FRAME_TYPES.GOAWAY) this.note(one, `GOAWAY ${errorName(payload.readUInt32BE(4))}`);
    else if (type === FRAME_TYPES.HEADERS && this.current === one) this.onRequest(one, socket, stream);
  }

  private onRequest(one: ServerCase, socket: net.Socket, stream: number): void {
    this.ids.push(stream);
    if (this.ids.length < (one.requests ?? 1)) return;
    const bytes = one.reply(...this.ids);
    this.ids = [];
    if (bytes.length > 0) socket.write(bytes);
    if (one.ending === 'fin') socket.end();
    else if (one.ending === 'rst') socket.once('drain', () => socket.resetAndDestroy());
    if (one.ending === 'rst' && socket.writableLength === 0) setTimeout(() => socket.resetAndDestroy(), 20);
  }
}
