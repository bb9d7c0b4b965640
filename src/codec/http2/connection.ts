import type { CodecConnection } from '../../contract/codec.ts';
import { HeaderReceiver } from './connection-base.ts';
import { codecError, TEXT_FLOODED } from './errors.ts';
import {
  COMPRESSION_ERROR,
  DEFAULT_MAX_FRAME_SIZE,
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLAG_END_METADATA,
  FLOW_CONTROL_ERROR,
  FRAME_GOAWAY,
  FRAME_PING,
  FRAME_SETTINGS,
  FRAME_SIZE_ERROR,
  FRAME_WINDOW_UPDATE,
  LARGEST_MAX_FRAME_SIZE,
  MAX_STREAM_ID,
  MAX_WINDOW,
  NO_ERROR,
  readUint31,
  readUint32,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_NO_RFC7540_PRIORITIES,
} from './frame.ts';
import { MetadataDecoder } from './metadata.ts';
import type { MetadataMap } from './metadata.ts';
import type { Http2ConnectionOptions } from './options.ts';
import type { Http2Settings } from './settings.ts';
import { acknowledgedSettings } from './settings-frame.ts';
import type { AcknowledgedSettings } from './settings-frame.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream } from './stream.ts';

/** Entries of one SETTINGS frame, and acknowledgements that wait for the kernel, as Envoy's library limits them. */
const MAX_SETTINGS_ENTRIES = 32;
const MAX_WAITING_ACKS = 10_000;

/** SETTINGS, PING, GOAWAY, WINDOW_UPDATE and METADATA, and what an owner may do with the connection: the same for both roles. */
export abstract class Http2Connection extends HeaderReceiver {
  /** Last stream that the peer's GOAWAY lets live; MAX_STREAM_ID = none came, or a notice only. */
  protected peerLastStreamId: number;
  protected goAwayReceived: boolean;
  /** Streams that the peer lets us open. */
  protected peerMaxStreams: number;
  protected readonly ours: AcknowledgedSettings;
  /** Streams that the peer may open: until it has acknowledged our limit they are only refused. */
  protected maxStreams: number;
  private acknowledged: boolean;
  private acksQueued: number;
  private connectProtocolAllowed: boolean;
  private metadata: Map<number, MetadataDecoder> | null;

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    super(isServer, connection, settings, stats, options);
    this.peerLastStreamId = MAX_STREAM_ID;
    this.goAwayReceived = false;
    this.peerMaxStreams = 0xffff_ffff;
    this.ours = acknowledgedSettings(isServer, settings);
    this.maxStreams = 0xffff_ffff;
    this.acknowledged = false;
    this.acksQueued = 0;
    this.connectProtocolAllowed = false;
    this.metadata = null;
  }

  protected abstract onPeerSettings(maxConcurrentStreams: number): void;
  protected abstract onPeerGoAway(lastStreamId: number): void;
  protected abstract onPeerMetadata(stream: Http2Stream, metadata: MetadataMap): void;

  get wantsToWrite(): boolean {
    return this.hasOutput();
  }

  protected onControl(data: Buffer, start: number, length: number, type: number, flags: number, streamId: number): boolean {
    switch (type) {
      case FRAME_SETTINGS:
        return this.readSettings(data, start, length, flags, streamId);
      case FRAME_PING:
        return this.readPing(data, start, length, flags, streamId);
      case FRAME_GOAWAY:
        return this.readGoAway(data, start, length, streamId);
      default:
        return this.readWindowUpdate(data, start, length, streamId);
    }
  }

  private readSettings(data: Buffer, start: number, length: number, flags: number, streamId: number): boolean {
    const isAck = (flags & FLAG_ACK) !== 0;
    if (length % 6 !== 0 || (isAck && length > 0)) return this.terminate(FRAME_SIZE_ERROR, '');
    if (streamId !== 0) return this.failFrame(0, 'SETTINGS: stream_id != 0');
    if (isAck) return this.onSettingsAck();
    if (++this.acksQueued > MAX_WAITING_ACKS && this.connection.pendingWriteBytes > 0) {
      return this.terminate(ENHANCE_YOUR_CALM, TEXT_FLOODED, { ...codecError(TEXT_FLOODED), kind: 'flood' });
    }
    if (this.connection.pendingWriteBytes === 0) this.acksQueued = 1;
    if (length > MAX_SETTINGS_ENTRIES * 6) return this.terminate(ENHANCE_YOUR_CALM, 'SETTINGS: too many setting entries');
    let maxConcurrentStreams = -1;
    for (let at = start; at < start + length; at += 6) {
      const identifier = (data[at] << 8) | data[at + 1];
      const value = readUint32(data, at + 2);
      if (identifier === SETTINGS_MAX_CONCURRENT_STREAMS) maxConcurrentStreams = value;
      if (!this.applySetting(identifier, value)) return false;
    }
    this.queueSettingsAck();
    if (maxConcurrentStreams >= 0) this.peerMaxStreams = maxConcurrentStreams;
    this.onPeerSettings(maxConcurrentStreams);
    return this.error === null;
  }

  /** False after an error. */
  private applySetting(identifier: number, value: number): boolean {
    switch (identifier) {
      case SETTINGS_HEADER_TABLE_SIZE:
        this.encoder.setMaxTableSize(value);
        return true;
      case SETTINGS_ENABLE_PUSH:
        return value === 0 || (this.isServer && value === 1) || this.failFrame(0, 'SETTINGS: invalid SETTINGS_ENABLE_PUSH');
      case SETTINGS_INITIAL_WINDOW_SIZE:
        return this.changeSendWindows(value);
      case SETTINGS_MAX_FRAME_SIZE:
        if (value < DEFAULT_MAX_FRAME_SIZE || value > LARGEST_MAX_FRAME_SIZE) return this.failFrame(0, 'SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE');
        this.peerMaxFrameSize = value;
        return true;
      case SETTINGS_ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (!this.isServer && value === 0 && this.connectProtocolAllowed)) {
          return this.failFrame(0, 'SETTINGS: invalid SETTINGS_ENABLE_CONNECT_PROTOCOL');
        }
        this.connectProtocolAllowed = value === 1;
        return true;
      case SETTINGS_NO_RFC7540_PRIORITIES:
        return value <= 1 || this.failFrame(0, 'SETTINGS: invalid SETTINGS_NO_RFC7540_PRIORITIES');
      default:
        return true;
    }
  }

  private changeSendWindows(value: number): boolean {
    if (value > MAX_WINDOW) return this.failFrame(0, 'SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE', FLOW_CONTROL_ERROR);
    const change = value - this.peerInitialWindow;
    this.peerInitialWindow = value;
    for (const stream of this.streams.values()) {
      const before = stream.sendWindow;
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) return this.failFrame(0, 'SETTINGS: window size overflow', FLOW_CONTROL_ERROR);
      if (before <= 0 && stream.sendWindow > 0) this.resume(stream);
    }
    return true;
  }

  /** Our settings are in force at the peer. */
  private onSettingsAck(): boolean {
    if (this.acknowledged) return this.failFrame(0, 'SETTINGS: unexpected ACK');
    this.acknowledged = true;
    this.decoder.setMaxTableSize(this.ours.headerTableSize);
    this.maxFrameSize = this.ours.maxFrameSize;
    this.maxStreams = this.ours.maxConcurrentStreams;
    const change = this.ours.initialWindow - this.initialWindow;
    this.initialWindow = this.ours.initialWindow;
    for (const stream of this.streams.values()) {
      if (stream.window !== null && !stream.window.resize(change)) return this.terminate(FLOW_CONTROL_ERROR, '');
    }
    return true;
  }

  private readPing(data: Buffer, start: number, length: number, flags: number, streamId: number): boolean {
    if (length !== 8) return this.terminate(FRAME_SIZE_ERROR, '');
    if (streamId !== 0) return this.failFrame(0, 'PING: stream_id != 0');
    if ((flags & FLAG_ACK) === 0) this.queuePing(FLAG_ACK, readUint32(data, start), readUint32(data, start + 4));
    else this.options.listener?.onPingAck();
    return this.error === null;
  }

  private readGoAway(data: Buffer, start: number, length: number, streamId: number): boolean {
    if (length < 8) return this.terminate(FRAME_SIZE_ERROR, '');
    const last = readUint31(data, start);
    // The stream is one of ours, and the number never grows.
    const foreign = last > 0 && last !== MAX_STREAM_ID && (last % 2 === 1) === this.isServer;
    if (streamId !== 0) return this.failFrame(0, 'GOAWAY: stream_id != 0');
    if (foreign || last > this.peerLastStreamId) return this.failFrame(0, 'GOAWAY: invalid last_stream_id');
    this.peerLastStreamId = last;
    const first = !this.goAwayReceived;
    this.goAwayReceived = true;
    if (first) this.tellGoAway(readUint32(data, start + 4));
    this.onPeerGoAway(last);
    return this.error === null;
  }

  protected abstract tellGoAway(errorCode: number): void;

  private readWindowUpdate(data: Buffer, start: number, length: number, streamId: number): boolean {
    if (length !== 4) return this.terminate(FRAME_SIZE_ERROR, '');
    if (!this.guard.onFrameReceived(FRAME_WINDOW_UPDATE, false, false)) return this.onFloodError(null);
    const increment = readUint31(data, start);
    if (streamId === 0) {
      if (increment === 0) return this.failFrame(0, 'WINDOW_UPDATE: window_size_increment == 0');
      if (increment > MAX_WINDOW - this.sendWindow) return this.failFrame(0, 'WINDOW_UPDATE: window size overflow', FLOW_CONTROL_ERROR);
      this.sendWindow += increment;
      return true;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.updateClosed(streamId, increment);
    // As good as closed: the same, however the input was cut.
    if (stream.isClosing) return true;
    if (increment === 0) return this.failFrame(streamId, 'WINDOW_UPDATE: window_size_increment == 0');
    if (increment > MAX_WINDOW - stream.sendWindow) {
      if (!this.isServer) return this.failFrame(streamId, 'WINDOW_UPDATE: window size overflow', FLOW_CONTROL_ERROR);
      // A stream error (RFC 9113 section 6.9.1); Envoy ends the connection, which does a client's requests no good.
      stream.resetByCodec(FLOW_CONTROL_ERROR);
      return true;
    }
    const before = stream.sendWindow;
    stream.sendWindow += increment;
    if (before <= 0 && stream.sendWindow > 0) this.resume(stream);
    return true;
  }

  /** What comes for a stream that is over means nothing, unless no window could ever have taken it. */
  private updateClosed(streamId: number, increment: number): boolean {
    if (this.isIdle(streamId)) return this.failFrame(0, 'WINDOW_UPDATE to idle stream');
    if (increment > MAX_WINDOW - this.peerInitialWindow && this.resets.has(streamId)) this.queueRefusal(streamId, FLOW_CONTROL_ERROR);
    return true;
  }

  protected onMetadata(data: Buffer, start: number, length: number, flags: number, streamId: number): boolean {
    const stream = this.streams.get(streamId);
    if (stream === undefined || stream.remoteEnded || stream.isClosing) return true;
    this.metadata ??= new Map();
    let decoder = this.metadata.get(streamId);
    if (decoder === undefined) {
      decoder = new MetadataDecoder(this.settings.maxMetadataSize);
      this.metadata.set(streamId, decoder);
    }
    if (!decoder.add(data.subarray(start, start + length))) return this.terminate(ENHANCE_YOUR_CALM, 'METADATA: too large');
    if ((flags & FLAG_END_METADATA) === 0) return true;
    const map = decoder.finish();
    if (map === null) return this.terminate(COMPRESSION_ERROR, 'METADATA: no header block');
    if (map.size === 0) this.stats.metadataEmptyFrames.inc();
    else if (!stream.isResetTold) this.onPeerMetadata(stream, map);
    return this.error === null;
  }

  protected onStreamGone(stream: Http2Stream): void {
    this.metadata?.delete(stream.codecStreamId);
  }

  protected onReset(stream: Http2Stream | undefined, streamId: number, code: number): boolean {
    if (stream === undefined) this.resets.remove(streamId);
    else {
      stream.resetDeferred = false;
      this.closeStream(stream, code);
    }
    return this.error === null;
  }

  sendPing(high: number, low: number): void {
    if (!this.dead) this.queuePing(0, high, low);
  }

  shutdownNotice(): void {
    if (!this.isServer || this.dead || this.noticeSent || this.goAwaySent || this.goAwayReceived) return;
    this.queueGoAway(MAX_STREAM_ID, NO_ERROR);
  }

  goAway(): void {
    if (this.dead) return;
    this.queueGoAway(this.lastTakenId, NO_ERROR);
    this.stats.goawaySent.inc();
  }

  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    if (this.aboveHighWatermark) return;
    this.aboveHighWatermark = true;
    for (const stream of this.streams.values()) stream.runHighWatermarkCallbacks();
  }

  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    if (!this.aboveHighWatermark) return;
    this.aboveHighWatermark = false;
    for (const stream of this.streams.values()) stream.runLowWatermarkCallbacks();
  }
}
