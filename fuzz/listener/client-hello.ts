/** `node fuzz/listener/client-hello.ts --seconds N [--seed S]`: bytes where a ClientHello should stand. */
import { runTarget } from '../http2/run.ts';
import { clientHelloTarget } from './client-hello-target.ts';

await runTarget(clientHelloTarget);
