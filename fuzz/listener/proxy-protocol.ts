/** `node fuzz/listener/proxy-protocol.ts --seconds N [--seed S]`: bytes where a PROXY header should stand. */
import { runTarget } from '../http2/run.ts';
import { proxyProtocolTarget } from './proxy-protocol-target.ts';

await runTarget(proxyProtocolTarget);
