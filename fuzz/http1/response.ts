/** `node fuzz/http1/response.ts --seconds N [--seed S]`: bytes from origins into the client codec. */
import { responseTarget } from './response-target.ts';
import { runTarget } from './run.ts';

runTarget(responseTarget);
