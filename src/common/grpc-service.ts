import type { HeaderValue, RetryPolicy as CoreRetryPolicy } from '#api/envoy/config/core/v3/base_pb.js';
import type { GrpcService, GrpcService_EnvoyGrpc } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import type { Formatter, LogContext } from '../contract/access-log.ts';
import { ConfigError, ConfigErrors, configAt } from '../contract/errors.ts';
import type { HeaderMap } from '../contract/header-map.ts';
import { durationMs } from '../contract/message.ts';
import type { RetryPolicy } from '../contract/route.ts';
import { asciiLowerCase, toByteString } from './byte-string.ts';
import { constantFormat, TextFormatter } from './formatter/formatter.ts';
import { readGoogleGrpc } from './google-grpc.ts';
import type { GoogleGrpcTarget } from './google-grpc.ts';
import { isModifiableHeader } from './header-value.ts';
import { overwriteHeader } from './http/inline-headers.ts';
import { refusedFields } from './not-yet.ts';

/** `envoy_grpc`: a cluster of the configuration. */
export interface EnvoyGrpcTarget {
  readonly kind: 'envoy';
  readonly clusterName: string;
  /** `authority`, or the cluster's name. */
  readonly authority: string;
  /** Bytes; 0 = no limit. */
  readonly maxReceiveMessageLength: number;
  readonly skipEnvoyHeaders: boolean;
  /** `envoy_grpc.retry_policy.retry_back_off`, milliseconds: how xDS streams are made anew. Null = unset. */
  readonly reconnectBackOff: { readonly base: number; readonly max: number } | null;
}

/** A GrpcService message, every default resolved. */
export interface GrpcServiceConfig {
  readonly target: EnvoyGrpcTarget | GoogleGrpcTarget;
  /** Milliseconds; -1 = unset. */
  readonly timeout: number;
  readonly initialMetadata: InitialMetadata | null;
  /** Null = no retries. Not used by google_grpc, as in Envoy. */
  readonly retryPolicy: RetryPolicy | null;
}

/** Reads a GrpcService. Throws ConfigError or ConfigErrors with paths below it. */
export function readGrpcService(message: GrpcService): GrpcServiceConfig {
  const errors: ConfigError[] = [];
  const part = <T>(build: () => T, otherwise: T): T => {
    try {
      return build();
    } catch (error) {
      if (error instanceof ConfigError) errors.push(error);
      else if (error instanceof ConfigErrors) errors.push(...error.errors);
      else throw error;
      return otherwise;
    }
  };
  const target = part(() => readTarget(message), null);
  const initialMetadata = part(() => readInitialMetadata(message.initialMetadata), null);
  const policy = message.retryPolicy;
  const retryPolicy = policy === undefined ? null : part(() => configAt('retry_policy', () => readCoreRetryPolicy(policy)), null);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1 || target === null) throw new ConfigErrors(errors);
  return Object.freeze({ target, timeout: Math.trunc(durationMs(message.timeout, -1)), initialMetadata, retryPolicy });
}

function readTarget(message: GrpcService): EnvoyGrpcTarget | GoogleGrpcTarget {
  const target = message.targetSpecifier;
  switch (target.case) {
    case 'envoyGrpc': return configAt('envoy_grpc', () => readEnvoyGrpc(target.value));
    case 'googleGrpc': return configAt('google_grpc', () => readGoogleGrpc(target.value, message.initialMetadata));
    default: throw new ConfigError('one of envoy_grpc, google_grpc is required', { hint: 'envoy_grpc: { cluster_name: … }' });
  }
}

function readEnvoyGrpc(message: GrpcService_EnvoyGrpc): EnvoyGrpcTarget {
  if (message.clusterName === '') throw new ConfigError('value length must be at least 1 characters', { path: 'cluster_name' });
  const backOff = message.retryPolicy?.retryBackOff;
  const base = durationMs(backOff?.baseInterval, 0);
  return Object.freeze({
    kind: 'envoy',
    clusterName: message.clusterName,
    authority: message.authority === '' ? message.clusterName : toByteString(message.authority),
    maxReceiveMessageLength: message.maxReceiveMessageLength ?? 0,
    skipEnvoyHeaders: message.skipEnvoyHeaders,
    reconnectBackOff: backOff === undefined ? null : { base, max: durationMs(backOff.maxInterval, base * 10) },
  });
}

const DEFAULT_RETRY_BASE_MS = 1_000;

/**
 * envoy.config.core.v3.RetryPolicy as a route's: one retry, back-off from 1 s to 10 s, and each try has as long as the longest back-off
 * (Envoy's convertCoreToRouteRetryPolicy). `retryOn` is used in the place of the message's own where it is given.
 */
export function readCoreRetryPolicy(message: CoreRetryPolicy, retryOn = message.retryOn): RetryPolicy {
  const refused = refusedFields(message, 'envoy.config.core.v3.RetryPolicy', {
    retryPriority: 'retry_priority', retryHostPredicate: 'retry_host_predicate', hostSelectionRetryMaxAttempts: 'host_selection_retry_max_attempts',
  });
  if (refused.length > 0) throw new ConfigErrors(refused);
  const backOff = message.retryBackOff;
  const base = Math.max(1, Math.trunc(durationMs(backOff?.baseInterval, DEFAULT_RETRY_BASE_MS)));
  const max = Math.max(1, Math.trunc(durationMs(backOff?.maxInterval, base * 10)));
  if (max < base) throw new ConfigError('max_interval must be greater than or equal to the base_interval', { path: 'retry_back_off.max_interval' });
  return Object.freeze({
    retryOn: retryOn.split(',').map((each) => each.trim()).filter((each) => each !== ''),
    numRetries: message.numRetries ?? 1,
    perTryTimeout: max,
    perTryIdleTimeout: 0,
    retriableStatusCodes: [],
    baseInterval: base,
    maxInterval: max,
  });
}

interface MetadataEntry {
  readonly name: string;
  /** As it is written in the configuration. */
  readonly raw: string;
  /** Null when the value needs no formatting. */
  readonly formatter: Formatter | null;
  readonly constant: string;
}

/** `initial_metadata` of a GrpcService: each replaces what has its name. */
export class InitialMetadata {
  private readonly entries: readonly MetadataEntry[];

  constructor(entries: readonly MetadataEntry[]) {
    this.entries = entries;
  }

  /** `context` null = there is no stream to format from: values go out as they are written, as in Envoy. Empty values are left out. */
  apply(headers: HeaderMap, context: LogContext | null): void {
    for (const entry of this.entries) {
      const value = context === null ? entry.raw : (entry.formatter?.format(context) ?? entry.constant);
      if (value !== '') overwriteHeader(headers, entry.name, value);
    }
  }
}

function readInitialMetadata(values: readonly HeaderValue[]): InitialMetadata | null {
  if (values.length === 0) return null;
  return new InitialMetadata(values.map((value, i) => configAt(`initial_metadata[${i}]`, () => metadataEntry(value))));
}

function metadataEntry(header: HeaderValue): MetadataEntry {
  if (!isModifiableHeader(header.key)) throw new ConfigError(':-prefixed or host headers may not be modified', { path: 'key' });
  const raw = header.rawValue.length > 0 ? Buffer.from(header.rawValue).toString('utf8') : header.value;
  const constant = constantFormat(raw);
  return {
    name: asciiLowerCase(toByteString(header.key)),
    raw: toByteString(raw),
    constant: constant ?? '',
    formatter: constant === null ? configAt('value', () => new TextFormatter(raw, true)) : null,
  };
}
