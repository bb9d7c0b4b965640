import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { CAPSULE_DATAGRAM, CapsuleParser } from '../../codec/capsule/capsule-parser.ts';
import type { CapsuleListener } from '../../codec/capsule/capsule-parser.ts';
import { udpCapsule, udpPayload } from '../../codec/capsule/udp-datagram.ts';
import { RESET_CONNECT_ERROR, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { BytesMeter, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import type { Cancellable, Host, HttpConnectionPool, HttpPoolCallbacks } from '../../contract/upstream.ts';
import { ipAddress } from '../network/address.ts';

/** Longer datagrams are dropped, as in Envoy (Network::DEFAULT_UDP_MAX_DATAGRAM_SIZE). */
const MAX_DATAGRAM_BYTES = 1500;
/** Packets that wait for the socket to be connected; more are dropped, as any network would. */
const MAX_EARLY_PACKETS = 64;

/** Ends CONNECT-UDP (RFC 9298) at one host: a socket for each request (Envoy's Upstreams::Http::Udp). */
export class UdpUpstreamPool implements HttpConnectionPool {
  readonly host: Host;
  private readonly dispatcher: Dispatcher;

  constructor(host: Host, dispatcher: Dispatcher) {
    this.host = host;
    this.dispatcher = dispatcher;
  }

  get hasActiveConnections(): boolean {
    return false;
  }

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null {
    const upstream = new UdpUpstream(this.host, decoder, this.dispatcher);
    const unbound = ipAddress(this.host.address.family === 6 ? '::' : '0.0.0.0', 0);
    const info = { id: 0, localAddress: unbound, remoteAddress: this.host.address, ssl: null, streamInfo: null };
    callbacks.onPoolReady(upstream, this.host, info, PROTOCOL_NONE, 0);
    return null;
  }
}

/**
 * One socket. Capsules of the request's body become datagrams, datagrams become capsules of the response's body. While the client does not
 * read, datagrams are dropped: UDP may, and memory must not grow (Envoy keeps them all).
 */
export class UdpUpstream implements RequestEncoder, Stream, CapsuleListener {
  readonly bytesMeter: BytesMeter;
  readonly bufferLimit: number;
  readonly codecStreamId: number;
  readonly responseDetails: string;
  /** Packets of the host that were too long, or came while the client did not read. */
  droppedDatagrams: number;
  private readonly host: Host;
  private readonly decoder: ResponseDecoder;
  private readonly dispatcher: Dispatcher;
  private readonly capsules: CapsuleParser;
  private callbacks: StreamCallbacks | null;
  private socket: Socket | null;
  private connected: boolean;
  private early: Buffer[];
  private paused: number;

  constructor(host: Host, decoder: ResponseDecoder, dispatcher: Dispatcher) {
    this.bytesMeter = new BytesMeter();
    this.bufferLimit = 0;
    this.codecStreamId = 0;
    this.responseDetails = '';
    this.droppedDatagrams = 0;
    this.host = host;
    this.decoder = decoder;
    this.dispatcher = dispatcher;
    this.capsules = new CapsuleParser(this);
    this.callbacks = null;
    this.socket = null;
    this.connected = false;
    this.early = [];
    this.paused = 0;
  }

  get stream(): Stream {
    return this;
  }

  // From the router.

  encodeHeaders(_headers: HeaderMap, endStream: boolean): string | null {
    if (endStream) {
      // Nothing could ever be sent.
      this.reset(RESET_CONNECT_ERROR, '');
      return null;
    }
    this.open();
    this.decoder.decodeHeaders(HeaderMap.of([':status', '200'], ['capsule-protocol', '?1']), false);
    return null;
  }

  private open(): void {
    const { address } = this.host;
    const socket = createSocket(address.family === 6 ? 'udp6' : 'udp4');
    this.socket = socket;
    socket.on('message', (packet: Buffer) => this.dispatcher.runInTurn((each: Buffer) => this.onPacket(each), packet));
    // A port that nobody listens on, a network that is away: packets are lost, which UDP may do at any time.
    socket.on('error', () => {});
    socket.on('connect', () => this.onConnected());
    socket.connect(address.port, address.ip);
  }

  private onConnected(): void {
    this.connected = true;
    const early = this.early;
    this.early = [];
    for (const packet of early) this.send(packet);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    this.capsules.feed(Buffer.from(data.buffer, data.byteOffset, data.length));
    if (endStream) this.capsules.end();
  }

  encodeTrailers(): void {
    this.capsules.end();
  }

  enableTcpTunneling(): void {}

  get encodePending(): boolean {
    return false;
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    this.callbacks = callbacks;
  }

  removeCallbacks(callbacks: StreamCallbacks): void {
    if (this.callbacks !== callbacks) return;
    this.callbacks = null;
    this.close();
  }

  resetStream(_reason: StreamResetReason): void {
    this.callbacks = null;
    this.close();
  }

  readDisable(disable: boolean): void {
    if (disable) this.paused++;
    else if (this.paused > 0) this.paused--;
  }

  private close(): void {
    const { socket } = this;
    this.socket = null;
    this.early = [];
    socket?.close();
  }

  private reset(reason: StreamResetReason, failure: string): void {
    const { callbacks } = this;
    this.callbacks = null;
    callbacks?.onResetStream(reason, failure);
    this.close();
  }

  // Capsules of the request.

  onCapsule(type: number, payload: Buffer): boolean {
    if (type !== CAPSULE_DATAGRAM) return true;
    const packet = udpPayload(payload);
    if (packet === undefined) return false;
    if (packet === null || this.socket === null) return true;
    this.bytesMeter.wireBytesSent += packet.length;
    // The socket takes it later, and the bytes are only lent.
    const copy = Buffer.from(packet);
    if (this.connected) this.send(copy);
    else if (this.early.length < MAX_EARLY_PACKETS) this.early.push(copy);
    return true;
  }

  private send(packet: Buffer): void {
    this.socket?.send(packet, () => {});
  }

  onCapsuleError(message: string): void {
    this.reset(RESET_PROTOCOL_ERROR, message);
  }

  // Datagrams of the host.

  private onPacket(packet: Buffer): void {
    if (this.callbacks === null) return;
    if (this.paused > 0 || packet.length > MAX_DATAGRAM_BYTES) {
      this.droppedDatagrams++;
      return;
    }
    const capsule = udpCapsule(packet);
    this.bytesMeter.wireBytesReceived += capsule.length;
    this.decoder.decodeData(capsule, false);
  }
}
