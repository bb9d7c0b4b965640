// `npm run build`: what the npm package holds in dist/: the bundle and the types.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { bundleFiles, ensureBundle } from './lib/bundle.mjs';
import { root } from './lib/runtime.mjs';

const dist = path.join(root, 'dist');

async function main() {
  const started = Date.now() - 1;
  if (!(await ensureBundle(root))) {
    console.error('there is no bundle; is esbuild installed (npm ci)?');
    return 1;
  }
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) return run.status ?? 1;
  removeOlder(started, bundleFiles(root));
  return 0;
}

/** Nothing of an earlier build may get into the package. The bundle is not removed first: somebody may start from it at this moment. */
function removeOlder(than, kept) {
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = path.join(dist, name);
    const found = statSync(file);
    if (found.isFile() && found.mtimeMs < than && !kept.has(name)) rmSync(file);
  }
}

process.exitCode = await main();
