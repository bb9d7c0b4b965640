/** `node fuzz/http2/server-frames.ts --seconds N [--seed S]`: frames of clients into the server codec. */
import { serverFramesTarget } from './frames-target.ts';
import { runTarget } from './run.ts';

await runTarget(serverFramesTarget);
