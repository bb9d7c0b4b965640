/** `node fuzz/transcoding/path.ts --seconds N [--seed S]` */
import { runTarget } from '../http2/run.ts';
import { pathTarget } from './path-target.ts';

await runTarget(pathTarget);
