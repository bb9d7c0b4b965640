import type { Timer } from '../../base/timer-wheel.ts';
import type { KeepaliveSettings } from '../../codec/http2/index.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { IdleTimer } from './idle-timer.ts';

/** The connection that is kept alive. */
export interface KeepaliveOwner {
  /** Two 32-bit halves of the payload. */
  sendPing(high: number, low: number): void;
  /** The peer is silent: the connection MUST close without flushing. */
  onKeepaliveTimeout(): void;
}

/** PINGs of one HTTP/2 connection, either role (`connection_keepalive`): one a time, the next an interval after its answer. */
export class Http2Keepalive {
  private readonly dispatcher: Dispatcher;
  private readonly settings: KeepaliveSettings;
  private readonly owner: KeepaliveOwner;
  private readonly sendTimer: Timer | null;
  private readonly timeoutTimer: IdleTimer;

  constructor(dispatcher: Dispatcher, settings: KeepaliveSettings, owner: KeepaliveOwner) {
    this.dispatcher = dispatcher;
    this.settings = settings;
    this.owner = owner;
    this.sendTimer = settings.interval > 0 ? dispatcher.createTimer(() => this.ping()) : null;
    this.timeoutTimer = new IdleTimer(dispatcher, () => owner.onKeepaliveTimeout());
    this.scheduleNext();
  }

  /** Sends a PING unless one is under way. */
  ping(): void {
    if (this.timeoutTimer.running) return;
    // The time as payload helps whoever reads a capture.
    const wall = this.dispatcher.clock.wall();
    this.owner.sendPing(Math.floor(wall / 2 ** 32), Math.floor(wall) >>> 0);
    this.timeoutTimer.start(this.settings.timeout);
  }

  /** Before a request, on a client: `lastReceived` is monotonic. */
  pingIfIdle(lastReceived: number): void {
    const idle = this.settings.connectionIdleInterval;
    if (idle > 0 && this.dispatcher.now() - lastReceived > idle) this.ping();
  }

  /** Any frame shows that the peer lives; its answer may be behind others. */
  onFrameReceived(): void {
    this.timeoutTimer.touch();
  }

  onPingAck(): void {
    this.timeoutTimer.stop();
    this.scheduleNext();
  }

  dispose(): void {
    this.sendTimer?.disable();
    this.timeoutTimer.dispose();
  }

  private scheduleNext(): void {
    if (this.sendTimer === null) return;
    const { interval, intervalJitter } = this.settings;
    const most = Math.trunc((intervalJitter * interval) / 100);
    this.sendTimer.enable(interval + (most > 0 ? this.dispatcher.random.uint32() % most : 0));
  }
}
