/**
 * `node fuzz/grpc-client/lying-server.ts [--seconds N] [--seed S]`: a server that lies in every way, against the proxy's own gRPC client and
 * its gRPC health check, on virtual time. A seed is a whole session, so a finding is its seed.
 */
import { parseArgs } from 'node:util';
import { playCalls } from './calls.ts';
import { playChecks } from './checks.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } } });
const first = Number(values.seed ?? (Date.now() & 0x7fffffff));
const end = Date.now() + Number(values.seconds) * 1_000;
let seed = first;
try {
  for (; values.seed === undefined ? Date.now() < end : seed === first; seed++) {
    playCalls(seed);
    playChecks(seed);
  }
  console.log(`grpc-client/lying-server: ${seed - first} sessions, no finding (from seed ${first})`);
} catch (error) {
  console.error(`grpc-client/lying-server: finding with --seed ${seed}`);
  console.error(error);
  process.exitCode = 1;
}
