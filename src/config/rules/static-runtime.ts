import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';

const ALL = 'envoy.features.enable_all_deprecated_features';

/**
 * Whether the static layers of a bootstrap's runtime allow a feature that is refused by default. The last layer that names it wins.
 */
export function staticRuntime(bootstrap: Bootstrap): (feature: string) => boolean {
  const values = new Map<string, unknown>();
  for (const layer of bootstrap.layeredRuntime?.layers ?? []) {
    if (layer.layerSpecifier.case === 'staticLayer') flatten('', layer.layerSpecifier.value, values);
  }
  const isTrue = (value: unknown): boolean => value === true || value === 'true' || (typeof value === 'number' && value !== 0);
  return (feature) => (values.has(feature) ? isTrue(values.get(feature)) : isTrue(values.get(ALL)));
}

function flatten(prefix: string, value: unknown, out: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    out.set(prefix, value);
    return;
  }
  for (const [key, each] of Object.entries(value)) flatten(prefix === '' ? key : `${prefix}.${key}`, each, out);
}
