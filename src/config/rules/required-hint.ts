/** What to say beside `value is required` where a newcomer will ask. Full name of the message -> hint. */
const HINTS = new Map<string, string>([
  ['envoy.config.core.v3.HealthCheck', 'a health check needs timeout, interval, unhealthy_threshold and healthy_threshold'],
  ['envoy.config.core.v3.GrpcService', 'name its target: envoy_grpc: {cluster_name: ...} or google_grpc'],
]);

/** A hint for a required field that is missing, or empty. */
export function requiredHint(typeName: string, field: string): string {
  const hint = HINTS.get(typeName);
  if (hint !== undefined) return hint;
  return field === 'typed_config' ? 'a typed_config with "@type" names the implementation and configures it' : '';
}
