/** `node fuzz/transcoding/response.ts --seconds N [--seed S]` */
import { runTarget } from '../http2/run.ts';
import { responseTarget } from './response-target.ts';

await runTarget(responseTarget);
