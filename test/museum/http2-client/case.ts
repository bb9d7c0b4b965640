/** A server's misbehaviour, and what it came to. */
export interface ServerCase {
  readonly id: string;
  readonly name: string;
  /** What the server says once all requests are there; their stream ids. */
  readonly reply: (...ids: readonly number[]) => Buffer;
  /** Before anything else; default: empty SETTINGS. Null: nothing. */
  readonly greeting?: Buffer | null;
  /** How many requests the clients send at once. Default 1. */
  readonly requests?: number;
  readonly method?: 'HEAD' | 'POST';
  /** What happens to the connection behind the reply. */
  readonly ending?: 'fin' | 'rst';
  /** Only the clients' answers are compared. */
  readonly loose?: true;
}

export interface ServerVerdict {
  /** What the clients got: status, body and whether it was whole; sorted. */
  readonly clients: readonly string[];
  /** Access log, sorted. */
  readonly log: readonly string[];
  /** Counters of the cluster that moved. */
  readonly stats: Readonly<Record<string, number>>;
  /** RST_STREAM and GOAWAY that the server got, and the end of its connection. */
  readonly seen: readonly string[];
}
