import type { Random } from '../base/random.ts';
import type { DrainDecision, DrainListener } from '../contract/network.ts';

/** State of one thread's drains: what `/healthcheck/fail`, `/drain_listeners` and the end of the process do to connections. */
export class DrainState {
  /** `/healthcheck/fail`. */
  private failedHealth = false;
  /** The process ends. */
  private shuttingDown = false;
  private readonly durationMs: number;
  private readonly strategy: 'gradual' | 'immediate';
  private readonly now: () => number;
  private readonly random: Random;
  /** Monotonic start of a drain of inbound, and of all, listeners; NaN = none. */
  private inboundSince = NaN;
  private allSince = NaN;
  private immediate = false;
  private readonly listeners = new Set<ListenerDrain>();

  constructor(options: { durationMs: number; strategy: 'gradual' | 'immediate'; now: () => number; random: Random }) {
    this.durationMs = options.durationMs;
    this.strategy = options.strategy;
    this.now = options.now;
    this.random = options.random;
  }

  /** `immediate`: connections are told at once, whatever the strategy (a drain that is not graceful). */
  start(inboundOnly: boolean, immediate: boolean): void {
    const now = this.now();
    if (Number.isNaN(this.inboundSince)) this.inboundSince = now;
    if (!inboundOnly && Number.isNaN(this.allSince)) this.allSince = now;
    if (immediate) this.immediate = true;
    for (const each of this.listeners) if (each.inbound || !inboundOnly) each.notify();
  }

  /** The process ends: every connection closes at its next chance, idle ones soon. */
  shutdown(): void {
    this.shuttingDown = true;
    for (const each of this.listeners) each.notify();
  }

  setFailedHealth(failed: boolean): void {
    this.failedHealth = failed;
  }

  /** The decision for connections of one listener. `modifyOnly`: Listener.drain_type MODIFY_ONLY, which a failed health check leaves alone. */
  decisionFor(inbound: boolean, modifyOnly: boolean): DrainDecision {
    const decision = new ListenerDrain(this, inbound, modifyOnly);
    this.listeners.add(decision);
    return decision;
  }

  get closeIdle(): boolean {
    return this.shuttingDown;
  }

  isDraining(inbound: boolean): boolean {
    return this.shuttingDown || !Number.isNaN(inbound ? this.inboundSince : this.allSince);
  }

  drainClose(inbound: boolean, modifyOnly: boolean): boolean {
    if (this.shuttingDown || (this.failedHealth && !modifyOnly)) return true;
    const since = inbound ? this.inboundSince : this.allSince;
    if (Number.isNaN(since)) return false;
    if (this.strategy === 'immediate' || this.immediate || this.durationMs <= 0) return true;
    // The longer the drain has lasted, the likelier: all are told by its end, but not all at once.
    return this.random.float() * this.durationMs < this.now() - since;
  }
}

class ListenerDrain implements DrainDecision {
  private readonly state: DrainState;
  readonly inbound: boolean;
  private readonly modifyOnly: boolean;
  private readonly connections = new Set<DrainListener>();

  constructor(state: DrainState, inbound: boolean, modifyOnly: boolean) {
    this.state = state;
    this.inbound = inbound;
    this.modifyOnly = modifyOnly;
  }

  drainClose(): boolean {
    return this.state.drainClose(this.inbound, this.modifyOnly);
  }

  get draining(): boolean {
    return this.state.isDraining(this.inbound);
  }

  get closeIdle(): boolean {
    return this.state.closeIdle;
  }

  addDrainListener(listener: DrainListener): void {
    this.connections.add(listener);
  }

  removeDrainListener(listener: DrainListener): void {
    this.connections.delete(listener);
  }

  notify(): void {
    for (const each of this.connections) each.onDrainStart();
  }
}
