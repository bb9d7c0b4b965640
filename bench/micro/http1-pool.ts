/**
 * What the HTTP/1 pool and its codec cost a request, without a kernel: requests over one connection in memory. Prints the best of many
 * batches, so that a busy machine disturbs little. `node bench/micro/http1-pool.ts`
 */
import type { RequestEncoder, ResponseDecoder } from '../../src/contract/codec.ts';
import { HeaderMap } from '../../src/contract/header-map.ts';
import { PROTOCOL_HTTP11 } from '../../src/contract/stream-info.ts';
import type { HttpPoolCallbacks } from '../../src/contract/upstream.ts';
import type { Transport } from '../../src/contract/transport.ts';
import { TestThread } from '../../src/core/upstream/test-support.ts';

const thread = new TestThread();
const entry = thread.addCluster(
  '{name: a, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}]}]}}',
);
const response = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 15:53:28 GMT\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nConnection: keep-alive\r\n\r\n01234567890123456789',
);
const headers = HeaderMap.of(
  [':method', 'GET'],
  [':path', '/small'],
  [':authority', '127.0.0.1:10000'],
  [':scheme', 'http'],
  ['user-agent', 'bench'],
  ['x-request-id', '11111111-2222-3333-4444-555555555555'],
  ['x-forwarded-proto', 'http'],
  ['x-envoy-expected-rq-timeout-ms', '15000'],
);

class Client implements ResponseDecoder, HttpPoolCallbacks {
  onPoolReady(encoder: RequestEncoder): void {
    encoder.encodeHeaders(headers, true);
  }
  onPoolFailure(): void {}
  decode1xxHeaders(): void {}
  decodeHeaders(): void {}
  decodeData(): void {}
  decodeTrailers(): void {}
}

const client = new Client();
function request(): void {
  entry.httpPool(0, PROTOCOL_HTTP11, null)?.newStream(client, client);
}
thread.dispatcher.runInTurn(request, undefined);
const transport = thread.io.last;
transport.connected();
const quiet: Transport['writeBatch'] = () => 0;
transport.writeBatch = quiet;
function receive(): void {
  transport.events?.onTransportData(response);
}
thread.dispatcher.runInTurn(receive, undefined);

const BATCH = 5_000;
let best = Infinity;
for (let round = 0; round < 60; round++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < BATCH; i++) {
    thread.dispatcher.runInTurn(request, undefined);
    thread.dispatcher.runInTurn(receive, undefined);
  }
  best = Math.min(best, Number(process.hrtime.bigint() - start) / BATCH);
}
console.log(`${(best / 1_000).toFixed(2)} us a request (pool, load balancer, codec, both turns)`);
process.exit(0);
