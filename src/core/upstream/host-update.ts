/**
 * Endpoints that only the main thread can know (DNS, later EDS), as they travel to the workers. The one message of the upstream part; main
 * to worker; structured-clonable.
 */
export interface HostUpdate {
  readonly cluster: string;
  /** Endpoints by priority. */
  readonly priorities: readonly (readonly HostFacts[])[];
}

/** An endpoint without its thread's own objects. `spec` = index in the cluster's flattened load assignment. */
export interface HostFacts {
  readonly ip: string;
  readonly port: number;
  readonly spec: number;
}
