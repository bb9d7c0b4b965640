/** `node fuzz/transcoding/json.ts --seconds N [--seed S]` */
import { runTarget } from '../http2/run.ts';
import { jsonTarget } from './json-target.ts';

await runTarget(jsonTarget);
