/**
 * What the connection layer costs: answers every read with a fixed HTTP response. Drive it with
 * `wrk -c64 -t1 -d5 http://127.0.0.1:PORT/`; it prints CPU per read when stopped (SIGINT). NUNCIO_IO=net|handle chooses the sockets.
 */
import { ThreadDispatcher } from '../../src/core/dispatcher/dispatcher.ts';
import { ipAddress } from '../../src/core/network/address.ts';
import { NetworkConnection } from '../../src/core/network/connection.ts';
import { ioBackend } from '../../src/core/network/io/backend.ts';
import type { ReadFilter } from '../../src/contract/network.ts';

const size = Number(process.argv[2] ?? 20);
const dispatcher = new ThreadDispatcher({ name: 'bench' });
const head = `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\ncontent-type: text/plain\r\n\r\n`;
const body = Buffer.alloc(size, 'x');
let reads = 0;
const acceptor = await ioBackend().listen({
  address: ipAddress('127.0.0.1', 0),
  backlog: 1_024,
  reusePort: false,
  ipv4Compat: false,
  pipeMode: 0,
  dispatcher,
  onAcceptError: () => {},
  onAccept: (transport) => {
    const connection = new NetworkConnection({
      dispatcher,
      transport,
      remoteAddress: transport.remoteAddress(),
      localAddress: ipAddress('127.0.0.1', 0),
      connecting: false,
    });
    const filter: ReadFilter = {
      initializeReadFilterCallbacks: () => {},
      onNewConnection: () => 0,
      onData: () => {
        reads++;
        connection.write(head, false);
        connection.write(body, false);
        return 1;
      },
    };
    connection.addReadFilter(filter);
    transport.setNoDelay(true);
    connection.start();
  },
});
if (typeof acceptor === 'number') throw new Error(`cannot listen: ${acceptor}`);
console.log(acceptor.address.port);
const start = process.cpuUsage();
process.on('SIGINT', () => {
  const used = process.cpuUsage(start);
  console.log(`${ioBackend().name}: ${reads} reads, ${((used.user + used.system) / Math.max(1, reads)).toFixed(1)} us CPU a read`);
  process.exit(0);
});
