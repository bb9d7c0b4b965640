import type { CodecError } from '../../contract/errors.ts';
import { FRAME_CONTINUATION, FRAME_DATA, FRAME_HEADERS, FRAME_PRIORITY, FRAME_WINDOW_UPDATE } from './frame.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';

/**
 * Limits on what a peer may make us do for nothing (Envoy's ProtocolConstraints): frames without content, priorities, window updates, and
 * answers that it does not fetch. The first violation is final.
 */
export class FloodGuard {
  /** The first violation, or null. */
  violation: CodecError | null;
  private readonly settings: Http2Settings;
  private readonly stats: Http2CodecStats;
  private emptyFrames: number;
  private priorityFrames: number;
  private windowUpdates: number;
  private openedStreams: number;
  private dataFramesSent: number;
  private readonly outbound: OutboundFrames;

  constructor(settings: Http2Settings, stats: Http2CodecStats) {
    this.violation = null;
    this.settings = settings;
    this.stats = stats;
    this.emptyFrames = 0;
    this.priorityFrames = 0;
    this.windowUpdates = 0;
    this.openedStreams = 0;
    this.dataFramesSent = 0;
    this.outbound = new OutboundFrames(stats);
  }

  onStreamOpened(): void {
    this.openedStreams++;
  }

  /** Counts an incoming frame; `isEmpty`: no payload but padding. False = the connection must end with `violation`. */
  onFrameReceived(type: number, endStream: boolean, isEmpty: boolean): boolean {
    if (type === FRAME_DATA || type === FRAME_HEADERS || type === FRAME_CONTINUATION) {
      if (!isEmpty || endStream) {
        this.emptyFrames = 0;
        return true;
      }
      if (++this.emptyFrames <= this.settings.maxConsecutiveInboundFramesWithEmptyPayload) return true;
      this.stats.inboundEmptyFramesFlood.inc();
      return this.violate('Too many consecutive frames with an empty payload');
    }
    if (type === FRAME_PRIORITY) {
      if (++this.priorityFrames <= this.settings.maxInboundPriorityFramesPerStream * (1 + this.openedStreams)) return true;
      this.stats.inboundPriorityFramesFlood.inc();
      return this.violate('Too many PRIORITY frames');
    }
    if (type === FRAME_WINDOW_UPDATE) {
      const perFrame = this.settings.maxInboundWindowUpdateFramesPerDataFrameSent;
      if (++this.windowUpdates <= 5 + 2 * (this.openedStreams + perFrame * this.dataFramesSent)) return true;
      this.stats.inboundWindowUpdateFramesFlood.inc();
      return this.violate('Too many WINDOW_UPDATE frames');
    }
    return true;
  }

  /**
   * `frames` frames, `control` of them acknowledgements or RST_STREAM and `data` of them DATA, go to the connection in `bytes` bytes, where
   * `pendingBefore` bytes wait already. False = too many wait.
   */
  onFramesSent(frames: number, control: number, data: number, bytes: number, pendingBefore: number): boolean {
    this.dataFramesSent += data;
    // Frames of one turn go to the kernel together: that some of them wait for that shows in no gauge.
    this.outbound.forget(pendingBefore);
    this.outbound.add(frames, control, bytes);
    if (this.violation !== null) return false;
    if (this.outbound.frames > this.settings.maxOutboundFrames) {
      this.stats.outboundFlood.inc();
      return this.violate('Too many frames in the outbound queue.');
    }
    if (this.outbound.controlFrames > this.settings.maxOutboundControlFrames) {
      this.stats.outboundControlFlood.inc();
      return this.violate('Too many control frames in the outbound queue.');
    }
    return true;
  }

  /** `pending` bytes of what was written wait for the kernel. */
  settle(pending: number): void {
    this.outbound.settle(pending);
  }

  private violate(message: string): false {
    this.violation = { kind: 'flood', message, details: '', status: 0 };
    return false;
  }
}

/** Counts the frames among the bytes that wait for the kernel. A batch counts until its last byte has gone. */
class OutboundFrames {
  frames: number;
  controlFrames: number;
  private readonly stats: Http2CodecStats;
  /** Triples: end of a batch in the stream of all bytes, its frames, its control frames. */
  private batches: number[];
  private written: number;
  /** What the gauges show. */
  private shownFrames: number;
  private shownControl: number;

  constructor(stats: Http2CodecStats) {
    this.frames = 0;
    this.controlFrames = 0;
    this.stats = stats;
    this.batches = [];
    this.written = 0;
    this.shownFrames = 0;
    this.shownControl = 0;
  }

  add(frames: number, control: number, bytes: number): void {
    this.written += bytes;
    this.batches.push(this.written, frames, control);
    this.frames += frames;
    this.controlFrames += control;
  }

  settle(pending: number): void {
    this.forget(pending);
    if (this.frames !== this.shownFrames || this.controlFrames !== this.shownControl) this.show();
  }

  /** Takes out what has gone, without showing it. */
  forget(pending: number): void {
    const batches = this.batches;
    if (batches.length > 0) {
      const gone = this.written - pending;
      let read = 0;
      while (read < batches.length && batches[read] <= gone) {
        this.frames -= batches[read + 1];
        this.controlFrames -= batches[read + 2];
        read += 3;
      }
      if (read === batches.length) batches.length = 0;
      else if (read > 0) batches.splice(0, read);
    }
  }

  private show(): void {
    this.stats.outboundFramesActive.add(this.frames - this.shownFrames);
    this.stats.outboundControlFramesActive.add(this.controlFrames - this.shownControl);
    this.shownFrames = this.frames;
    this.shownControl = this.controlFrames;
  }
}
