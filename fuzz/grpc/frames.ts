/** `node fuzz/grpc/frames.ts --seconds N [--seed S]`: bytes as frames, as base64 and as a status message, beside slow decoders. */
import { runTarget } from '../http2/run.ts';
import { framesTarget } from './frames-target.ts';

await runTarget(framesTarget);
