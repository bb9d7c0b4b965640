import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { ApiRegistry } from '../api/registry.ts';
import type { Problem } from '../message/read-context.ts';

/** Everything beyond form that can be told from the configuration alone. Runs only over a bootstrap whose form is right. */
export function runChecks(_api: ApiRegistry, _bootstrap: Bootstrap, _baseDirectory: string): Problem[] {
  return [];
}
