import type { HeaderMap } from '../../contract/header-map.ts';
import type { SslConnectionInfo } from '../../contract/network.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';

/** Whom or what RBAC judges: a connection (`info` is the connection's, no headers), or a request of it. */
export interface RbacSubject {
  /** Null on a plain connection. */
  readonly ssl: SslConnectionInfo | null;
  /** Of the connection. */
  readonly connectionInfo: StreamInfo;
  /** Of the request; of the connection where there is none. */
  readonly info: StreamInfo;
  readonly headers: HeaderMap | null;
}

/** One rule, compiled. */
export interface RbacMatcher {
  matches(subject: RbacSubject): boolean;
}

/** What the filter that has the rules allows in them. */
export interface RbacRuleOptions {
  /** Called for each rule that looks at a header; throws where there are no headers. */
  checkHeaderRule(name: string): void;
}
