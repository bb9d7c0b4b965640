/** `node fuzz/http1/request.ts --seconds N [--seed S]`: bytes from clients into the server codec. */
import { requestTarget } from './request-target.ts';
import { runTarget } from './run.ts';

runTarget(requestTarget);
