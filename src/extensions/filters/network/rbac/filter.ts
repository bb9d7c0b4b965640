import type { Timer } from '../../../../base/timer-wheel.ts';
import { rbacDetails, setMetadata } from '../../../../common/rbac/engine.ts';
import type { RbacSubject } from '../../../../common/rbac/subject.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter, ReadFilterCallbacks, SslConnectionInfo } from '../../../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';
import type { StreamInfo } from '../../../../contract/stream-info.ts';
import type { NetworkRbacConfig } from './config.ts';

const NAMESPACE = 'envoy.filters.network.rbac';

/** Judges its connection when the client has sent something. */
export class NetworkRbacFilter implements ReadFilter, ConnectionCallbacks {
  private readonly config: NetworkRbacConfig;
  private connection: Connection | null;
  private judged: boolean;
  private denied: boolean;
  private delayTimer: Timer | null;

  constructor(config: NetworkRbacConfig) {
    this.config = config;
    this.connection = null;
    this.judged = false;
    this.denied = false;
    this.delayTimer = null;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
    this.connection.addConnectionCallbacks(this);
  }

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(): NetworkFilterStatus {
    const { connection } = this;
    if (connection === null || this.denied) return NETWORK_STOP_ITERATION;
    if (this.judged && !this.config.continuous) return NETWORK_CONTINUE;
    this.judged = true;
    const subject = new ConnectionSubject(connection);
    this.judgeShadow(subject);
    if (this.judge(subject)) return NETWORK_CONTINUE;
    this.deny(connection);
    return NETWORK_STOP_ITERATION;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) return;
    this.delayTimer?.disable();
    this.delayTimer = null;
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}

  private judgeShadow(subject: ConnectionSubject): void {
    const { shadowEngine, shadowPrefix, shadowAllowed, shadowDenied } = this.config;
    if (shadowEngine === null) return;
    const policy = shadowEngine.match(subject);
    const allowed = shadowEngine.allows(policy !== null, subject.info);
    (allowed ? shadowAllowed : shadowDenied).inc();
    if (policy !== null) setMetadata(subject.info, NAMESPACE, `${shadowPrefix}shadow_effective_policy_id`, policy);
    setMetadata(subject.info, NAMESPACE, `${shadowPrefix}shadow_engine_result`, allowed ? 'allowed' : 'denied');
  }

  private judge(subject: ConnectionSubject): boolean {
    const { engine } = this.config;
    if (engine === null) return true;
    const policy = engine.match(subject);
    const allowed = engine.allows(policy !== null, subject.info);
    (allowed ? this.config.allowed : this.config.denied).inc();
    if (!allowed) subject.info.connectionTerminationDetails = rbacDetails(policy);
    return allowed;
  }

  private deny(connection: Connection): void {
    this.denied = true;
    const { delayDeny } = this.config;
    if (delayDeny <= 0) {
      connection.close(CLOSE_NO_FLUSH, 'rbac_deny_close');
      return;
    }
    // The timer ends the wait: a client that leaves is not noticed before.
    connection.readDisable(true);
    this.delayTimer = connection.dispatcher.createTimer(() => connection.close(CLOSE_NO_FLUSH, 'rbac_deny_close'));
    this.delayTimer.enable(delayDeny);
  }
}

class ConnectionSubject implements RbacSubject {
  readonly ssl: SslConnectionInfo | null;
  readonly connectionInfo: StreamInfo;
  readonly info: StreamInfo;
  readonly headers: HeaderMap | null;

  constructor(connection: Connection) {
    this.ssl = connection.ssl;
    this.connectionInfo = connection.streamInfo;
    this.info = connection.streamInfo;
    this.headers = null;
  }
}
