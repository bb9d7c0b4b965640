import type { TurnTask } from '../../contract/dispatcher.ts';
import type { CodecConnection } from '../../contract/codec.ts';
import { DEFAULT_MAX_FRAME_SIZE, FLAG_END_METADATA, FRAME_GOAWAY, FRAME_METADATA, MAX_STREAM_ID } from './frame.ts';
import { encodeMetadata } from './metadata.ts';
import type { MetadataMap } from './metadata.ts';
import type { Http2ConnectionOptions } from './options.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream, StreamOwner } from './stream.ts';
import { StreamTable } from './stream-table.ts';

/** A frame among those of streams: GOAWAY and METADATA are rare enough to be objects. */
export interface QueuedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

/** What waits to be sent: lists that streams and answers put themselves into, and that the flush empties. */
export abstract class SendLists extends StreamTable implements StreamOwner, TurnTask {
  /** In `dispatch`: its end flushes. */
  protected dispatching: boolean;
  /** The connection is over: nothing is sent or called. */
  protected dead: boolean;
  protected flushing: boolean;
  protected flushAsked: boolean;
  /** GOAWAY with a last stream id was sent, a shutdown notice was. */
  protected goAwaySent: boolean;
  protected noticeSent: boolean;
  protected settingsAcks: number;
  /** Triples of PING: flags and the two halves of the payload. */
  protected readonly pings: number[];
  protected readonly queue: (Http2Stream | QueuedFrame)[];
  /** Pairs: RST_STREAM of streams that were never opened. */
  protected readonly refused: number[];
  protected readonly dataQueue: Http2Stream[];

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    super(isServer, connection, settings, stats, options);
    this.dispatching = false;
    this.dead = false;
    this.flushing = false;
    this.flushAsked = false;
    this.goAwaySent = false;
    this.noticeSent = false;
    this.settingsAcks = 0;
    this.pings = [];
    this.queue = [];
    this.refused = [];
    this.dataQueue = [];
  }

  abstract onTurnEnd(): void;
  abstract flushEarly(): void;

  queueStream(stream: Http2Stream): void {
    if (!stream.inQueue) {
      stream.inQueue = true;
      this.queue.push(stream);
    }
    this.askFlush();
  }

  queueData(stream: Http2Stream): void {
    if (!stream.inDataQueue) {
      stream.inDataQueue = true;
      this.dataQueue.push(stream);
    }
    this.askFlush();
  }

  protected queueSettingsAck(): void {
    this.settingsAcks++;
  }

  protected queuePing(flags: number, high: number, low: number): void {
    this.pings.push(flags, high, low);
    this.askFlush();
  }

  /** RST_STREAM for a stream that is not in the list. */
  protected queueRefusal(streamId: number, code: number): void {
    this.refused.push(streamId, code);
    this.resets.add(streamId, -1);
  }

  protected queueGoAway(lastStreamId: number, code: number): void {
    if (lastStreamId === MAX_STREAM_ID) this.noticeSent = true;
    else this.goAwaySent = true;
    this.queue.push({ type: FRAME_GOAWAY, flags: 0, streamId: 0, payload: goAwayPayload(lastStreamId, code, '') });
    this.askFlush();
  }

  sendMetadata(stream: Http2Stream, metadata: MetadataMap): void {
    if (!this.settings.allowMetadata) return;
    const streamId = stream.codecStreamId;
    const payload = encodeMetadata(metadata);
    let from = 0;
    do {
      const end = Math.min(payload.length, from + DEFAULT_MAX_FRAME_SIZE);
      const flags = end === payload.length ? FLAG_END_METADATA : 0;
      this.queue.push({ type: FRAME_METADATA, flags, streamId, payload: payload.subarray(from, end) });
      from = end;
    } while (from < payload.length);
    this.askFlush();
  }

  protected askFlush(): void {
    if (this.flushAsked || this.dispatching || this.flushing || this.dead) return;
    this.flushAsked = true;
    this.connection.atTurnEnd(this);
  }

  /** The peer's window grew: what was held back can go on. */
  protected resume(stream: Http2Stream): void {
    if (stream.headSent && stream.hasOutput) this.queueData(stream);
  }
}

/** Payload of a GOAWAY; `reason` is its debug data. */
export function goAwayPayload(lastStreamId: number, code: number, reason: string): Buffer {
  const payload = Buffer.alloc(8 + reason.length);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  payload.write(reason, 8, 'latin1');
  return payload;
}
