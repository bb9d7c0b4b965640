/**
 * Endpoints that only the main thread can know (DNS, later EDS), as they travel to the workers. The one message of the upstream part; main
 * to worker; structured-clonable.
 */
export interface HostUpdate {
  readonly cluster: string;
  /** Endpoints by priority. */
  readonly priorities: readonly (readonly HostFacts[])[];
}

/**
 * A host is unhealthy. Main to worker: an active check says so, its connections are not used any more. Worker to main: a response of it said
 * so (`x-envoy-immediate-health-check-fail`).
 */
export interface HostFailure {
  readonly cluster: string;
  readonly priority: number;
  /** Its address as text. */
  readonly address: string;
}

/** An endpoint without its thread's own objects. `spec` = index in the cluster's flattened load assignment. */
export interface HostFacts {
  readonly ip: string;
  readonly port: number;
  readonly spec: number;
}
