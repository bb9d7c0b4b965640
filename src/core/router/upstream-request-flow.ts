import { UpstreamRequestState } from './upstream-request-state.ts';

/** Flow control of one attempt: who is slow pauses who sends, on either side. */
export abstract class UpstreamRequestFlow extends UpstreamRequestState {
  /** The upstream cannot take more. */
  onAboveWriteBufferHighWatermark(): void {
    this.pauseDownstream();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.resumeDownstream();
  }

  /** The downstream cannot take more: the upstream pauses, as soon as there is a response to pause. */
  onDownstreamFull(): void {
    if (this.encoder === null) return;
    if (this.parent.responseStarted) this.pauseUpstream();
    else this.deferredReadDisables++;
  }

  onDownstreamDrained(): void {
    if (this.encoder === null) return;
    if (this.deferredReadDisables > 0) {
      this.deferredReadDisables--;
      return;
    }
    this.parent.cluster.stats.upstreamFlowControlResumedReadingTotal.inc();
    this.encoder.stream.readDisable(false);
  }

  /** What waits for a stream, or for the answer to an upgrade, has a limit. */
  protected pauseForWaiting(): void {
    const limit = this.parent.callbacks.bufferLimit;
    if (this.waitingPaused || limit === 0 || this.waitingBytes <= limit) return;
    this.waitingPaused = true;
    this.pauseDownstream();
  }

  protected resumeAfterWaiting(): void {
    if (!this.waitingPaused) return;
    this.waitingPaused = false;
    this.resumeDownstream();
  }

  private pauseDownstream(): void {
    this.parent.cluster.stats.upstreamFlowControlBackedUpTotal.inc();
    this.parent.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
    this.downstreamPauses++;
  }

  protected resumeDownstream(): void {
    if (this.downstreamPauses === 0) return;
    this.downstreamPauses--;
    this.parent.cluster.stats.upstreamFlowControlDrainedTotal.inc();
    this.parent.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  protected handleDeferredReadDisable(): void {
    for (; this.deferredReadDisables > 0; this.deferredReadDisables--) this.pauseUpstream();
  }

  private pauseUpstream(): void {
    this.parent.cluster.stats.upstreamFlowControlPausedReadingTotal.inc();
    this.encoder?.stream.readDisable(true);
  }
}
