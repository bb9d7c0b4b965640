/** A transport address. Immutable; one object may be shared by many connections. */
export interface Address {
  readonly kind: 'ip' | 'pipe' | 'internal';
  /** As Envoy prints it: `1.2.3.4:80`, `[::1]:80`, a path (abstract ones with `@`), `envoy://name`. */
  readonly text: string;
  /** Without port: `1.2.3.4`, `::1`; the path of a pipe. */
  readonly ip: string;
  /** 0 for a pipe. */
  readonly port: number;
  /** 4, 6, or 0 for what is not IP. */
  readonly family: 0 | 4 | 6;
}
