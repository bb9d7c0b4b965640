/** What a session has of its upstream once there is one: a TCP connection, or a tunnel through HTTP. */
export interface UpstreamLink {
  /** `data` is only lent. `endStream`: nothing follows. */
  encodeData(data: Uint8Array, endStream: boolean): void;
  /** Nested pause of what comes from the upstream. */
  readDisable(disable: boolean): void;
  /** Bytes not yet with the kernel, as far as they are known; trickling out counts as activity. */
  readonly pendingWriteBytes: number;
  /** The client is gone; the session hears nothing any more. `remote` = by its own will, `reset` = with RST. */
  downstreamClosed(remote: boolean, reset: boolean): void;
}

/** What the session hears from its upstream. */
export interface UpstreamListener {
  onUpstreamData(data: Buffer, endStream: boolean): void;
  /** `reset` = the upstream ended it with RST. */
  onUpstreamClosed(reset: boolean): void;
  onUpstreamAboveHighWatermark(): void;
  onUpstreamBelowLowWatermark(): void;
}
