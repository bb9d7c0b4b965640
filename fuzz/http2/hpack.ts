/** `node fuzz/http2/hpack.ts --seconds N [--seed S]`: header blocks into the HPACK decoder, beside a slow one. */
import { hpackTarget } from './hpack-target.ts';
import { runTarget } from './run.ts';

await runTarget(hpackTarget);
