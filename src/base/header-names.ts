/**
 * Well-known header names as shared strings, and the table that finds them in raw bytes.
 *
 * Equal strings made at run time are different objects in V8, and comparing them costs a walk over their characters. A codec that
 * hands out the strings of this table makes `map.get('content-length')` a pointer comparison an entry.
 */

/** Ids of the names whose values a codec looks at: their places in HEADER_NAMES. */
export const ID_HOST = 0;
export const ID_CONTENT_LENGTH = 1;
export const ID_TRANSFER_ENCODING = 2;
export const ID_CONNECTION = 3;
export const ID_UPGRADE = 4;

/**
 * Names of which a message has one entry: a further line of the same name is appended to the first with a comma, as in Envoy,
 * whose header maps keep these in slots. (Other names keep one entry a line.) Requests and responses have lists of their own.
 */
const SINGLE_IN_BOTH: readonly string[] = [
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'cache-control',
  'content-encoding',
  'content-type',
  'keep-alive',
  'proxy-connection',
  'proxy-status',
  'via',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-request-id',
];
const SINGLE_IN_REQUESTS: readonly string[] = [
  'accept',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'access-control-request-private-network',
  'authentication',
  'authorization',
  'cdn-loop',
  'expect',
  'grpc-accept-encoding',
  'grpc-timeout',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'origin',
  'pragma',
  'referer',
  'te',
  'user-agent',
  'x-client-trace-id',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-external-address',
  'x-envoy-force-trace',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-internal',
  'x-envoy-ip-tags',
  'x-envoy-is-timeout-retry',
  'x-envoy-max-retries',
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-envoy-original-url',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-stream-duration-ms',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
];
const SINGLE_IN_RESPONSES: readonly string[] = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
  'age',
  'date',
  'etag',
  'expires',
  'grpc-message',
  'grpc-status',
  'last-modified',
  'location',
  'server',
  'vary',
  'x-envoy-degraded',
  'x-envoy-immediate-health-check-fail',
  'x-envoy-ratelimited',
  'x-envoy-upstream-canary',
  'x-envoy-upstream-healthchecked-cluster',
  'x-envoy-upstream-service-time',
];

const OTHER_NAMES: readonly string[] = [
  'accept-charset',
  'accept-datetime',
  'accept-language',
  'accept-ranges',
  'allow',
  'alt-svc',
  'alt-used',
  'apikey',
  'authority',
  'b3',
  'baggage',
  'cache-status',
  'capsule-protocol',
  'cf-connecting-ip',
  'cf-ray',
  'clear-site-data',
  'connect-accept-encoding',
  'connect-content-encoding',
  'connect-protocol-version',
  'connect-timeout-ms',
  'content-disposition',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'content-security-policy',
  'content-security-policy-report-only',
  'cookie',
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'device-memory',
  'digest',
  'dnt',
  'downlink',
  'early-data',
  'ect',
  'expect-ct',
  'forwarded',
  'from',
  'grpc-encoding',
  'grpc-message-type',
  'grpc-previous-rpc-attempts',
  'grpc-status-details-bin',
  'grpc-tags-bin',
  'grpc-trace-bin',
  'http2-settings',
  'idempotency-key',
  'if-schedule-tag-match',
  'last-event-id',
  'link',
  'max-forwards',
  'nel',
  'permissions-policy',
  'ping-from',
  'ping-to',
  'prefer',
  'preference-applied',
  'priority',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'public-key-pins',
  'purpose',
  'range',
  'referrer-policy',
  'refresh',
  'report-to',
  'retry-after',
  'rtt',
  'save-data',
  'sec-ch-ua',
  'sec-ch-ua-arch',
  'sec-ch-ua-full-version',
  'sec-ch-ua-mobile',
  'sec-ch-ua-model',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'sec-gpc',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'server-timing',
  'service-worker-allowed',
  'set-cookie',
  'soapaction',
  'sourcemap',
  'strict-transport-security',
  'timing-allow-origin',
  'traceparent',
  'tracestate',
  'trailer',
  'true-client-ip',
  'upgrade-insecure-requests',
  'want-digest',
  'warning',
  'www-authenticate',
  'x-amzn-trace-id',
  'x-api-key',
  'x-auth-request-email',
  'x-auth-request-user',
  'x-auth-token',
  'x-b3-flags',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-cache',
  'x-cache-status',
  'x-cloud-trace-context',
  'x-content-type-options',
  'x-correlation-id',
  'x-csrf-token',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'x-datadog-trace-id',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-envoy-auth-failure-mode-allowed',
  'x-envoy-auth-partial-body',
  'x-envoy-fault-abort-grpc-request',
  'x-envoy-fault-abort-request',
  'x-envoy-fault-abort-request-percentage',
  'x-envoy-fault-delay-request',
  'x-envoy-fault-delay-request-percentage',
  'x-envoy-fault-throughput-response',
  'x-envoy-fault-throughput-response-percentage',
  'x-envoy-local-overloaded',
  'x-envoy-local-ratelimited',
  'x-envoy-original-dst-host',
  'x-envoy-original-method',
  'x-envoy-overloaded',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
  'x-forwarded-prefix',
  'x-forwarded-ssl',
  'x-frame-options',
  'x-goog-api-key',
  'x-hub-signature',
  'x-http-method-override',
  'x-ot-span-context',
  'x-permitted-cross-domain-policies',
  'x-powered-by',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-real-ip',
  'x-redirect-by',
  'x-requested-with',
  'x-robots-tag',
  'x-runtime',
  'x-served-by',
  'x-server',
  'x-trace-id',
  'x-ua-compatible',
  'x-user-agent',
  'x-xss-protection',
];

/** All names; the index is the id. */
export const HEADER_NAMES: readonly string[] = ['host', ...SINGLE_IN_BOTH, ...SINGLE_IN_REQUESTS, ...SINGLE_IN_RESPONSES, ...OTHER_NAMES];
export const HEADER_NAME_COUNT: number = HEADER_NAMES.length;

/** Bits of SINGLE_IN: where a name has one entry. */
export const IN_REQUEST = 1;
export const IN_RESPONSE = 2;
export const IN_RESPONSE_TRAILERS = 4;
/** Kinds of message in which the name of an id has one entry, as bits. */
export const SINGLE_IN: Uint8Array = buildSingleTable();

function buildSingleTable(): Uint8Array {
  const table = new Uint8Array(HEADER_NAME_COUNT);
  const mark = (names: readonly string[], bits: number): void => {
    for (const name of names) table[HEADER_NAMES.indexOf(name)] |= bits;
  };
  mark(['host'], IN_REQUEST);
  mark(SINGLE_IN_BOTH, IN_REQUEST | IN_RESPONSE);
  mark(SINGLE_IN_REQUESTS, IN_REQUEST);
  mark(SINGLE_IN_RESPONSES, IN_RESPONSE);
  mark(['grpc-status', 'grpc-message'], IN_RESPONSE_TRAILERS);
  return table;
}

/**
 * For each byte: 0 when it may not stand in a token (RFC 9110 section 5.6.2), else the byte itself in lower case.
 */
export const TOKEN_LOWER: Uint8Array = buildTokenTable();

function buildTokenTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0x30; c <= 0x39; c++) table[c] = c;
  for (let c = 0x61; c <= 0x7a; c++) table[c] = table[c - 32] = c;
  for (const c of "!#$%&'*+-.^_`|~") table[c.charCodeAt(0)] = c.charCodeAt(0);
  return table;
}

/** Start value and step of the hash that `findHeaderName` takes: `h = hashNameByte(h, TOKEN_LOWER[byte])` over the name. */
export const NAME_HASH_SEED = 7;

const SLOTS = 2048;
const slotIds = new Int16Array(SLOTS).fill(-1);
const nameOffsets = new Int32Array(HEADER_NAME_COUNT + 1);
const nameBytes = layOutNames();

function layOutNames(): Uint8Array {
  const all = HEADER_NAMES.join('');
  const bytes = new Uint8Array(all.length);
  for (let i = 0; i < all.length; i++) bytes[i] = all.charCodeAt(i);
  let offset = 0;
  for (let id = 0; id < HEADER_NAME_COUNT; id++) {
    nameOffsets[id] = offset;
    let hash = NAME_HASH_SEED;
    for (let i = 0; i < HEADER_NAMES[id].length; i++) hash = (Math.imul(hash, 31) + bytes[offset + i]) | 0;
    let slot = slotOf(hash);
    while (slotIds[slot] >= 0) slot = (slot + 1) & (SLOTS - 1);
    slotIds[slot] = id;
    offset += HEADER_NAMES[id].length;
  }
  nameOffsets[HEADER_NAME_COUNT] = offset;
  return bytes;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 11)) & (SLOTS - 1);
}

/**
 * Id of the well-known name in `data[start, end)`, in any case, or -1. `hash` is `h = (Math.imul(h, 31) + TOKEN_LOWER[byte]) | 0`
 * over its bytes from NAME_HASH_SEED on; callers compute it while they check the bytes.
 */
export function findHeaderName(data: Uint8Array, start: number, end: number, hash: number): number {
  for (let slot = slotOf(hash); ; slot = (slot + 1) & (SLOTS - 1)) {
    const id = slotIds[slot];
    if (id < 0) return -1;
    const offset = nameOffsets[id];
    const length = end - start;
    if (nameOffsets[id + 1] - offset !== length) continue;
    let i = 0;
    while (i < length && TOKEN_LOWER[data[start + i]] === nameBytes[offset + i]) i++;
    if (i === length) return id;
  }
}

const idsByName = new Map<string, number>(HEADER_NAMES.map((name, id) => [name, id]));

/** Id of a well-known lower-case name, or -1. For rare paths. */
export function headerNameId(name: string): number {
  return idsByName.get(name) ?? -1;
}
