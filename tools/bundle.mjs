// `npm run bundle`: makes dist/ fresh, so that ./nuncio starts quickly.
import { ensureBundle } from './lib/bundle.mjs';
import { root } from './lib/runtime.mjs';

if (!(await ensureBundle(root))) {
  console.error('esbuild is not installed: npm ci');
  process.exitCode = 1;
}
