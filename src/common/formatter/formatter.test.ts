import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SubstitutionFormatString } from '#api/envoy/config/core/v3/substitution_format_string_pb.js';
import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_NO_ROUTE_FOUND, FLAG_UPSTREAM_OVERFLOW } from '../../contract/response-flags.ts';
import { UpstreamInfo } from '../../contract/stream-info.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { fromYaml } from '../testing/messages.ts';
import { ipAddress, testRequest, testStreamInfo } from '../testing/stream.ts';
import { buildFormatter, constantFormat, DEFAULT_ACCESS_LOG_FORMAT, JsonFormatter, TextFormatter } from './formatter.ts';
import { COMMAND_NAMES, parseFormat } from './parse-format.ts';

function contextOf(info: StreamInfo = filled()): LogContext {
  return {
    requestHeaders: testRequest('/p/q?a=1&b=x%20y', ['user-agent', 'ua'], ['x-long', 'abcdefgh'], ['content-type', 'application/grpc']),
    responseHeaders: HeaderMap.of([':status', '200'], ['x-envoy-upstream-service-time', '7']),
    responseTrailers: HeaderMap.of(['grpc-status', '5']),
    streamInfo: info,
    localReplyBody: 'sorry',
    type: 'DownstreamEnd',
    now: 1_010,
  };
}

function filled(): StreamInfo {
  const info = testStreamInfo();
  info.responseCode = 200;
  info.responseCodeDetails = 'via upstream';
  info.bytesReceived = 3;
  info.bytesSent = 20;
  info.lastDownstreamRxByte = 1_002;
  info.firstDownstreamTxByte = 1_006;
  info.lastDownstreamTxByte = 1_009.9;
  info.requestComplete = 1_010;
  info.routeName = 'r';
  info.connectionId = 12;
  info.requestId = 'id';
  info.attemptCount = 2;
  info.dynamicMetadata = new Map([['ns', { key: 'v', deep: { a: [1, true, null, 'é'] }, num: 100_000 }]]);
  info.filterState = new Map<string, unknown>([['fs', 'state'], ['obj', { f: 5 }]]);
  const upstream = new UpstreamInfo();
  upstream.remoteAddress = ipAddress('10.9.9.9', 8_080);
  upstream.localAddress = ipAddress('::1', 5);
  upstream.transportFailureReason = 'connection refused here';
  upstream.timing.firstRxByteReceived = 1_005;
  upstream.timing.lastTxByteSent = 1_003;
  upstream.protocol = 1;
  info.upstream = upstream;
  return info;
}

/** Format, its text, and its JSON when it stands alone. */
const OPERATORS: readonly (readonly [string, string, string])[] = [
  ['%REQ(USER-AGENT)%', 'ua', '"ua"'],
  ['%REQUEST_HEADER(X-NONE?X-LONG):3%', 'abc', '"abc"'],
  ['%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', '7', '"7"'],
  ['%TRAILER(grpc-status)%', '5', '"5"'],
  ['%RESPONSE_TRAILER(none)%', '-', 'null'],
  ['%START_TIME%', '2026-01-02T03:04:05.678Z', '"2026-01-02T03:04:05.678Z"'],
  ['%START_TIME(%s.%3f)%', '1767323045.678', '"1767323045.678"'],
  ['%EMIT_TIME(%H:%M:%S.%6f)%', '03:04:05.688000', '"03:04:05.688000"'],
  ['%PROTOCOL%', 'HTTP/1.1', '"HTTP/1.1"'],
  ['%UPSTREAM_PROTOCOL%', 'HTTP/1.1', '"HTTP/1.1"'],
  ['%RESPONSE_CODE%', '200', '200'],
  ['%RESPONSE_CODE_DETAILS%', 'via_upstream', '"via_upstream"'],
  ['%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%', 'via upstream', '"via upstream"'],
  ['%CONNECTION_TERMINATION_DETAILS%', '-', 'null'],
  ['%RESPONSE_FLAGS%', '-', '"-"'],
  ['%BYTES_RECEIVED%', '3', '3'],
  ['%BYTES_SENT%', '20', '20'],
  ['%DURATION%', '10', '10'],
  ['%REQUEST_DURATION%', '2', '2'],
  ['%REQUEST_TX_DURATION%', '3', '3'],
  ['%RESPONSE_DURATION%', '5', '5'],
  ['%RESPONSE_TX_DURATION%', '4', '4'],
  ['%DOWNSTREAM_HANDSHAKE_DURATION%', '-', 'null'],
  ['%COMMON_DURATION(DS_RX_BEG:US_RX_BEG)%', '5', '5'],
  ['%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%', '9900', '9900'],
  ['%COMMON_DURATION(DS_TX_END:DS_RX_BEG)%', '-', 'null'],
  ['%UPSTREAM_REMOTE_ADDRESS%', '10.9.9.9:8080', '"10.9.9.9:8080"'],
  ['%UPSTREAM_LOCAL_ADDRESS%', '[::1]:5', '"[::1]:5"'],
  ['%UPSTREAM_REMOTE_PORT%', '8080', '8080'],
  ['%UPSTREAM_HOST%', '-', 'null'],
  ['%UPSTREAM_CLUSTER%', '-', 'null'],
  ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', 'connection_refused_here', '"connection_refused_here"'],
  ['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '2', '2'],
  ['%DOWNSTREAM_REMOTE_ADDRESS%', '10.0.0.1:1234', '"10.0.0.1:1234"'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '10.0.0.1', '"10.0.0.1"'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%', '10.0.0.0/8', '"10.0.0.0/8"'],
  ['%DOWNSTREAM_REMOTE_PORT%', '1234', '1234'],
  ['%DOWNSTREAM_LOCAL_ADDRESS%', '127.0.0.1:80', '"127.0.0.1:80"'],
  ['%CONNECTION_ID%', '12', '12'],
  ['%ROUTE_NAME%', 'r', '"r"'],
  ['%STREAM_ID%', 'id', '"id"'],
  ['%ACCESS_LOG_TYPE%', 'DownstreamEnd', '"DownstreamEnd"'],
  ['%LOCAL_REPLY_BODY%', 'sorry', '"sorry"'],
  ['%GRPC_STATUS%', 'NotFound', '"NotFound"'],
  ['%GRPC_STATUS(SNAKE_STRING)%', 'NOT_FOUND', '"NOT_FOUND"'],
  ['%GRPC_STATUS_NUMBER%', '5', '5'],
  ['%PATH%', '/p/q?a=1&b=x%20y', '"/p/q?a=1&b=x%20y"'],
  ['%PATH(NQ:PATH):3%', '/p/', '"/p/"'],
  ['%PATH(WQ:ORIG)%', '-', 'null'],
  ['%QUERY_PARAM(b)%', 'x y', '"x y"'],
  ['%QUERY_PARAM(a)%', '1', '"1"'],
  ['%QUERY_PARAMS%', 'a=1&b=x%20y', '"a=1&b=x%20y"'],
  ['%DYNAMIC_METADATA(ns:key)%', 'v', '"v"'],
  ['%DYNAMIC_METADATA(["ns","key"])%', 'v', '"v"'],
  ['%DYNAMIC_METADATA(ns:num)%', '1e+05', '1e+05'],
  ['%QUERY_PARAMS(DECODED):7%', 'a=1&b=x', '"a=1&b=x"'],
  ['%QUERY_PARAMS(DECODED):9%', 'a=1&b=x%2', '"a=1&b=x%2"'],
  ['%REQUESTED_SERVER_NAME(SNI_FIRST)%', 'example.com', '"example.com"'],
  ['%DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID%', '', '""'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(x)%', '10.0.0.1', '"10.0.0.1"'],
  ['%DYNAMIC_METADATA(ns:deep)%', '{"a":[1,true,null,"\xc3\xa9"]}', '{"a":[1,true,null,"\xc3\xa9"]}'],
  ['%DYNAMIC_METADATA(ns:deep):4%', '{"a"', '{"a":[1,true,null,"\xc3\xa9"]}'],
  ['%DYNAMIC_METADATA(none)%', '-', 'null'],
  ['%METADATA(DYNAMIC:ns:key)%', 'v', '"v"'],
  ['%FILTER_STATE(fs:PLAIN)%', 'state', '"state"'],
  ['%FILTER_STATE(obj:FIELD:f)%', '5', '"5"'],
  ['%FILTER_STATE(none)%', '-', 'null'],
  ['%DOWNSTREAM_TLS_VERSION%', '-', 'null'],
  ['%TRACE_ID%', '-', 'null'],
  ['%ENVIRONMENT(NUNCIO_NO_SUCH)%', '-', '"-"'],
  ['%COALESCE({"operators": ["UPSTREAM_HOST", {"command": "REQ", "param": "x-none"}, {"command": "REQ", "param": "x-long", "max_length": 2}]})%', 'ab', '"ab"'],
  ['100%%', '100%', '"100%"'],
];

test('operators, in text and as JSON values', () => {
  for (const [format, text, json] of OPERATORS) {
    assert.equal(new TextFormatter(format, false).format(contextOf()), text, format);
    assert.equal(new JsonFormatter({ k: format }).format(contextOf()), `{"k":${json}}\n`, format);
  }
});

/** Envoy 1.40's texts. */
const ERRORS: readonly (readonly [string, string])[] = [
  ['%FOO%', 'Not supported field in StreamInfo: FOO'], ['%REQ%', 'REQ requires parameters'],
  ['%PROTOCOL(x)%', 'PROTOCOL does not take any parameters or length'], ['%PROTOCOL:3%', 'PROTOCOL does not take any parameters or length'],
  ['%REQ(a?b?c)%', 'More than 1 alternative header specified in token: a?b?c'],
  ['%REQ(a b)%', 'Invalid header configuration. Format string contains invalid characters.'],
  ['%START_TIME(%n)%', 'Invalid header configuration. Format string contains newline.'],
  ['%GRPC_STATUS(X)%', 'GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: X'],
  ['%PATH(X)%', "Invalid PATH option: 'X', only 'WQ'/'NQ' are allowed"],
  ['%QUERY_PARAMS(OR)%', "Invalid QUERY_PARAMS option: 'OR', only 'ORIG'/'DECODED' are allowed"],
  ['%FILTER_STATE(a:X)%', 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.'],
  ['%FILTER_STATE%', 'Invalid filter state configuration, key cannot be empty.'],
  ['%COMMON_DURATION(a)%', 'Invalid common duration configuration: a.'], ['%COMMON_DURATION(a:b:x)%', 'Invalid common duration precision: x.'],
  ['%REQUESTED_SERVER_NAME(X)%', "Invalid REQUESTED_SERVER_NAME option: 'X', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed"],
  ['%DYNAMIC_METADATA%', 'DYNAMIC_METADATA requires parameters'],
  ['%UPSTREAM_METADATA(a:b):3%', 'UPSTREAM_METADATA does not allow length to be specified.'],
  ['a%b', "Incorrect configuration: a%b. Couldn't find valid command at position 1"],
  ['%COALESCE({})%', "COALESCE: JSON configuration must contain 'operators' array"],
  ['%COALESCE({"operators":[]})%', "COALESCE: 'operators' array must not be empty"],
  ['%COALESCE({"operators":["NOPE"]})%', "COALESCE: failed to parse operator at index 0: unknown command: 'NOPE'"],
  ['%CEL(request.path)%', 'known to Envoy, not in nuncio yet: access log operator %CEL%'],
];

test('what cannot be parsed is refused in Envoy\'s words', () => {
  for (const [format, why] of ERRORS) {
    assert.throws(() => parseFormat(format), (error) => error instanceof ConfigError && error.why === why, format);
  }
});

test('the default line', () => {
  assert.equal(new TextFormatter(DEFAULT_ACCESS_LOG_FORMAT, false).format(contextOf()),
    '[2026-01-02T03:04:05.678Z] "GET /p/q?a=1&b=x%20y HTTP/1.1" 200 - 3 20 10 7 "-" "ua" "-" "example.com" "-"\n');
});

test('flags in the order in which they were set, each once', () => {
  const info = filled();
  info.setResponseFlag(FLAG_NO_ROUTE_FOUND);
  info.setResponseFlag(FLAG_UPSTREAM_OVERFLOW);
  info.setResponseFlag(FLAG_NO_ROUTE_FOUND);
  assert.equal(new TextFormatter('%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%', false).format(contextOf(info)), 'NR,UO NoRouteFound,UpstreamOverflow');
});

test('every operator is total: nothing is known of the stream, no headers (CVE-2026-47220)', () => {
  const empty: LogContext = {
    requestHeaders: null, responseHeaders: null, responseTrailers: null, streamInfo: testStreamInfo(), localReplyBody: '', type: 'NotSet', now: 0,
  };
  const parameter: Readonly<Record<string, string>> = {
    COMMON_DURATION: 'DS_RX_BEG:US_TX_BEG', METADATA: 'CLUSTER:a:b', COALESCE: '{"operators":["PROTOCOL"]}', FILTER_STATE: 'a', UPSTREAM_FILTER_STATE: 'a',
  };
  let tried = 0;
  for (const name of COMMAND_NAMES) {
    for (const format of [`%${name}%`, `%${name}(${parameter[name] ?? 'x'})%`]) {
      let operators;
      try {
        operators = parseFormat(format);
      } catch (error) {
        assert.ok(error instanceof ConfigError, format);
        continue;
      }
      tried++;
      assert.ok(typeof (operators[0].text(empty) ?? '') === 'string', format);
      assert.doesNotThrow(() => JSON.parse(operators[0].json(empty)), format);
    }
  }
  assert.ok(tried > 130, `${tried}`);
});

test('JSON: sorted keys, nesting, own types, escapes; always JSON (CVE-2026-26309)', () => {
  const formatter = new JsonFormatter({ z: 1.5, a: ['%RESPONSE_CODE%', true, null, 'x'], m: { n: 'c %PROTOCOL% %UPSTREAM_HOST%', e: 'é"' } });
  assert.equal(formatter.format(contextOf()), '{"a":[200,true,null,"x"],"m":{"e":"\xc3\xa9\\"","n":"c HTTP/1.1 -"},"z":1.5}\n');
  const one = new JsonFormatter({ h: '%REQ(x)%' });
  for (let code = 0; code < 256; code++) {
    const context = { ...contextOf(), requestHeaders: HeaderMap.of(['x', `${String.fromCharCode(code)}"\\`]) };
    const line = Buffer.from(one.format(context), 'latin1').toString('utf8');
    assert.doesNotThrow(() => JSON.parse(line), `byte ${code}: ${line}`);
  }
  const invalid = { ...contextOf(), requestHeaders: HeaderMap.of(['x', 'a\xff']) };
  assert.equal(one.format(invalid), '{"h":"a\\u00ff"}\n');
});

test('control characters of a server name are replaced (CVE-2024-45808)', () => {
  const info = filled();
  info.requestedServerName = 'a\n"b';
  assert.equal(new TextFormatter('%REQUESTED_SERVER_NAME%', false).format(contextOf(info)), 'a__b');
});

test('SubstitutionFormatString', () => {
  const build = (yaml: string) => buildFormatter(fromYaml<SubstitutionFormatString>('envoy.config.core.v3.SubstitutionFormatString', yaml));
  assert.equal(build('{text_format_source: {inline_string: "a%UPSTREAM_HOST%b"}, omit_empty_values: true}').format(contextOf()), 'ab');
  assert.equal(build('text_format: "%PROTOCOL%"').format(contextOf()), 'HTTP/1.1');
  assert.equal(build('json_format: {a: "%PROTOCOL%"}').format(contextOf()), '{"a":"HTTP/1.1"}\n');
  assert.throws(() => build('text_format_source: {filename: /no/such/file}'), /^ConfigError: Invalid path: \/no\/such\/file$/);
  assert.throws(() => build('text_format_source: {environment_variable: NUNCIO_NO_SUCH}'), /Environment variable doesn't exist: NUNCIO_NO_SUCH/);
  assert.throws(() => build('json_format: {a: {b: ["%FOO%"]}}'), (error) => error instanceof ConfigError && error.path === 'json_format.a.b[0]');
});

test('numbers of a Struct are as short as can be (Envoy 1.40\'s own output)', () => {
  const numbers = { a: 100_000, b: 1.5, c: 1e21, d: 123_456, e: 0.00001, f: -100_000, g: 1_000, h: 12345678901234567168, i: 0.1, j: 1e-7 };
  assert.equal(new JsonFormatter(numbers).format(contextOf()),
    '{"a":1e+05,"b":1.5,"c":1e+21,"d":123456,"e":1e-05,"f":-1e+05,"g":1000,"h":12345678901234567168,"i":0.1,"j":1e-07}\n');
});

test('constant formats', () => {
  assert.equal(constantFormat('a%%b'), 'a%b');
  assert.equal(constantFormat('é'), '\xc3\xa9');
  assert.equal(constantFormat('%PROTOCOL%'), null);
  assert.equal(constantFormat('100%'), null);
});
