import type { CertificateValidationContext, TlsCertificate, TlsSessionTicketKeys } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { SdsSecretConfig } from '#api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { notYet } from '../../common/not-yet.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { SecretLookup } from '../../contract/secrets.ts';

const NO_SECRETS: SecretLookup = { tlsCertificate: () => null, validationContext: () => null, sessionTicketKeys: () => null };

/** Secrets that a configuration names. Throws ConfigError in Envoy's words when there is none of the name. */
export class NamedSecrets {
  private readonly lookup: SecretLookup;

  constructor(lookup: SecretLookup | undefined) {
    this.lookup = lookup ?? NO_SECRETS;
  }

  tlsCertificate(config: SdsSecretConfig): TlsCertificate {
    return found(config, this.lookup.tlsCertificate(refuseSource(config)), 'Unknown static secret');
  }

  validationContext(config: SdsSecretConfig): CertificateValidationContext {
    return found(config, this.lookup.validationContext(refuseSource(config)), 'Unknown static certificate validation context');
  }

  sessionTicketKeys(config: SdsSecretConfig): TlsSessionTicketKeys {
    return found(config, this.lookup.sessionTicketKeys(refuseSource(config)), 'Unknown tls session ticket keys');
  }
}

function refuseSource(config: SdsSecretConfig): string {
  if (config.sdsConfig !== undefined) throw notYet('SDS', 'sds_config', 'without sds_config the secret is one of static_resources.secrets');
  return config.name;
}

function found<T>(config: SdsSecretConfig, secret: T | null, problem: string): T {
  if (secret === null) throw new ConfigError(`${problem}: ${config.name}`, { path: 'name', hint: 'the name of one of static_resources.secrets' });
  return secret;
}

/**
 * `over` merged into `base` as protobuf merges: lists are joined, messages merged, what is set in `over` wins. Both are messages of one type and stay as they
 * are.
 */
export function mergeMessages<M extends object>(base: M, over: M): M {
  const merged: Record<string, unknown> = { ...(base as Record<string, unknown>) };
  for (const [key, value] of Object.entries(over)) {
    if (key !== '$typeName' && !isDefault(value)) merged[key] = mergeValues(merged[key], value);
  }
  return merged as M;
}

function mergeValues(base: unknown, over: unknown): unknown {
  if (Array.isArray(over)) return [...(Array.isArray(base) ? (base as unknown[]) : []), ...(over as unknown[])];
  if (!isObject(over) || !isObject(base)) return over;
  if ('$typeName' in over) return mergeMessages(base, over);
  // A oneof: its member is replaced, or merged when it is the same message.
  return over['case'] === base['case'] ? { case: over['case'], value: mergeValues(base['value'], over['value']) } : over;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !Array.isArray(value);
}

function isDefault(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return true;
  if (isObject(value) && !('$typeName' in value)) return 'case' in value && value['case'] === undefined;
  return Array.isArray(value) && value.length === 0;
}
