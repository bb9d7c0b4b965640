// `npm run build`: compiles src/ to dist/, which is what the npm package holds.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './lib/runtime.mjs';

const dist = path.join(root, 'dist');

function main() {
  rmSync(dist, { recursive: true, force: true });
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) return run.status ?? 1;
  chmodSync(path.join(dist, 'cli/bin.js'), 0o755);
  return 0;
}

process.exitCode = main();
