import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import {
  hasGrpcContentType, isConnectRequest, isConnectStreamingRequest, isConnectStreamingResponse, isGrpcRequest, isGrpcResponse,
  isProtobufRequest,
} from './content-type.ts';
import { decodeGrpcMessage, encodeGrpcMessage } from './message.ts';
import { grpcMethodOf } from './method.ts';
import { GRPC_INVALID_CODE, GRPC_NO_STATUS, grpcStatusIn, grpcStatusOf, grpcToHttpStatus, httpToGrpcStatus } from './status.ts';
import { GRPC_NO_TIMEOUT, formatGrpcTimeout, grpcTimeoutMs } from './timeout.ts';

test('status of a response: trailers, headers, then the HTTP status', () => {
  const of = (value: string) => HeaderMap.of(['grpc-status', value]);
  assert.equal(grpcStatusOf(of('5'), of('7'), 200, false), 5);
  assert.equal(grpcStatusOf(null, of('7'), 200, false), 7);
  assert.equal(grpcStatusOf(of(''), of('7'), 200, false), 7);
  assert.equal(grpcStatusOf(new HeaderMap(), new HeaderMap(), 503, false), 14);
  assert.equal(grpcStatusOf(null, null, 0, false), null);
  assert.equal(grpcStatusOf(of('99'), of('7'), 200, false), GRPC_INVALID_CODE);
  assert.equal(grpcStatusOf(of('99'), null, 200, true), 99);
});

test('one status header', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['0', 0], ['16', 16], ['17', GRPC_INVALID_CODE], ['', GRPC_NO_STATUS], ['x', GRPC_INVALID_CODE], ['-1', GRPC_INVALID_CODE],
    ['-0', GRPC_INVALID_CODE], [' 5 ', 5], ['+5', 5], ['5.0', GRPC_INVALID_CODE],
  ];
  for (const [value, status] of rows) assert.equal(grpcStatusIn(HeaderMap.of(['grpc-status', value])), status, JSON.stringify(value));
  assert.equal(grpcStatusIn(new HeaderMap()), GRPC_NO_STATUS);
});

test('statuses of HTTP and of gRPC', () => {
  const known = new Map([[400, 13], [401, 16], [403, 7], [404, 12], [429, 14], [502, 14], [503, 14], [504, 14]]);
  for (let status = 100; status < 600; status++) assert.equal(httpToGrpcStatus(status), known.get(status) ?? 2, String(status));
  const back = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
  for (let status = 0; status <= 16; status++) assert.equal(grpcToHttpStatus(status), back[status]);
  assert.equal(grpcToHttpStatus(17), 500);
  assert.equal(grpcToHttpStatus(GRPC_INVALID_CODE), 500);
});

test('content types', () => {
  const typed = (type: string, ...more: [string, string][]) => HeaderMap.of(['content-type', type], ...more);
  for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc+']) assert.ok(hasGrpcContentType(typed(type)), type);
  for (const type of ['application/grpc-web', 'application/grpcx', 'application/grpc; charset=utf-8', 'Application/grpc', '']) {
    assert.ok(!hasGrpcContentType(typed(type)), type);
  }
  assert.ok(!hasGrpcContentType(new HeaderMap()));
  assert.ok(isGrpcRequest(typed('application/grpc', [':path', '/s/m'])));
  assert.ok(!isGrpcRequest(typed('application/grpc')));
  assert.ok(isProtobufRequest(typed('application/x-protobuf', [':path', '/s/m'])));
  assert.ok(!isProtobufRequest(typed('application/x-protobuf+x', [':path', '/s/m'])));
});

test('responses of gRPC and Connect', () => {
  const grpc = HeaderMap.of([':status', '200'], ['content-type', 'application/grpc']);
  assert.ok(isGrpcResponse(grpc, false));
  assert.ok(!isGrpcResponse(grpc, true));
  assert.ok(isGrpcResponse(HeaderMap.of([':status', '503'], ['grpc-status', '1']), true));
  assert.ok(!isGrpcResponse(HeaderMap.of([':status', '503'], ['content-type', 'application/grpc']), false));
  assert.ok(isConnectRequest(HeaderMap.of([':path', '/'], ['connect-protocol-version', '1'])));
  assert.ok(!isConnectRequest(HeaderMap.of(['connect-protocol-version', '1'])));
  const streaming = HeaderMap.of([':path', '/'], [':status', '200'], ['content-type', 'application/connect+json']);
  assert.ok(isConnectStreamingRequest(streaming));
  assert.ok(isConnectStreamingResponse(streaming));
  assert.ok(!isConnectStreamingResponse(HeaderMap.of([':status', '404'], ['content-type', 'application/connect+json'])));
});

test('grpc-timeout is read as Envoy reads it', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['1H', 3_600_000], ['2M', 120_000], ['3S', 3_000], ['4m', 4], ['1u', 1], ['1000u', 1], ['1001u', 2], ['1n', 1], ['0n', 0],
    ['1000001n', 2], ['0m', 0], ['99999999H', 359_999_996_400_000], ['100000000m', GRPC_NO_TIMEOUT], ['m', GRPC_NO_TIMEOUT],
    ['', GRPC_NO_TIMEOUT], ['5', GRPC_NO_TIMEOUT], ['5s', GRPC_NO_TIMEOUT], ['-1m', GRPC_NO_TIMEOUT], ['1.5S', GRPC_NO_TIMEOUT],
    ['0x1S', GRPC_NO_TIMEOUT], ['5mm', GRPC_NO_TIMEOUT],
  ];
  for (const [value, ms] of rows) assert.equal(grpcTimeoutMs(HeaderMap.of(['grpc-timeout', value])), ms, JSON.stringify(value));
  assert.equal(grpcTimeoutMs(new HeaderMap()), GRPC_NO_TIMEOUT);
});

test('grpc-timeout is written in the finest unit of eight digits', () => {
  assert.equal(formatGrpcTimeout(0), '0m');
  assert.equal(formatGrpcTimeout(99_999_999), '99999999m');
  assert.equal(formatGrpcTimeout(100_000_000), '100000S');
  assert.equal(formatGrpcTimeout(100_000_000_000), '1666666M');
  assert.equal(formatGrpcTimeout(6_000_000_000_000), '1666666H');
  assert.equal(formatGrpcTimeout(Number.MAX_SAFE_INTEGER), '99999999H');
});

test('grpc-message in percent encoding', () => {
  assert.equal(encodeGrpcMessage('plain text!'), 'plain text!');
  assert.equal(encodeGrpcMessage('a%b\n~\x7f\xe9'), 'a%25b%0A%7E%7F%E9');
  assert.equal(decodeGrpcMessage('a%25b%0A%7e%zz%4'), 'a%b\n~%zz%4');
  for (let code = 0; code < 256; code++) {
    const text = String.fromCharCode(code, code);
    assert.equal(decodeGrpcMessage(`${encodeGrpcMessage(text)} `), `${text} `);
  }
});

test('service and method of a path', () => {
  const rows: readonly (readonly [string | undefined, string | null])[] = [
    ['/a.S/M', 'a.S|M'], ['/a.S/M?x=/y', 'a.S|M'], ['//s//m/', 's|m'], ['s/m', 's|m'], ['/s', null], ['/s/m/x', null], ['/', null],
    ['', null], [undefined, null], ['/s?/m', null],
  ];
  for (const [path, expected] of rows) {
    const found = grpcMethodOf(path);
    assert.equal(found === null ? null : `${found.service}|${found.method}`, expected, String(path));
  }
});
