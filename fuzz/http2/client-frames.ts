/** `node fuzz/http2/client-frames.ts --seconds N [--seed S]`: frames of servers into the client codec. */
import { clientFramesTarget } from './frames-target.ts';
import { runTarget } from './run.ts';

await runTarget(clientFramesTarget);
