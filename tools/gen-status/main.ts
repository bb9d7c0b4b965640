// `npm run status`: counts what real configurations still need, where this machine has them, and writes docs/user/status.md.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { countMissing, writeMissing } from './corpus.ts';
import { readInputs, root } from './inputs.ts';
import { renderStatus } from './render.ts';

const missing = countMissing();
if (missing === null) console.log('this machine has no corpus: its counts stay as they are');
else writeMissing(missing);
writeFileSync(path.join(root, 'docs/user/status.md'), renderStatus(readInputs()));
console.log('wrote docs/user/status.md');
