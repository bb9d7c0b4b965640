// `npm run bundle`: makes dist/ fresh, so that ./nuncio starts quickly.
import { ensureBundle } from './lib/bundle.mjs';
import { root } from './lib/runtime.mjs';

if (!(await ensureBundle(root))) {
  console.error('there is no bundle; is esbuild installed (npm ci)?');
  process.exitCode = 1;
}
