// `npm run status`: writes docs/user/status.md; with --check only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readInputs, root } from './inputs.ts';
import { renderStatus } from './render.ts';

const file = path.join(root, 'docs/user/status.md');
const wanted = renderStatus(readInputs());

if (process.argv.includes('--check')) {
  const current = readFileSync(file, 'utf8') === wanted;
  console.log(current ? 'docs/user/status.md is up to date' : 'docs/user/status.md is out of date: run npm run status');
  process.exitCode = current ? 0 : 1;
} else {
  writeFileSync(file, wanted);
  console.log('wrote docs/user/status.md');
}
