// The bundle: nuncio's sources and packages as a few files in dist/, one set for the main thread and the library, one for workers. Node finds,
// reads and compiles a few files several times quicker than hundreds. ./nuncio and the tools use it when it is newer than all it is made of.
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync, mkdirSync, chmodSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Written last, with the names of the bundle's files: older than a source means that the bundle is stale. The same name as in ./nuncio. */
const STAMP = 'dist/bundle-stamp';

/** What the bundle is made of, as ./nuncio has it. */
const INPUTS = ['src', 'package.json', 'package-lock.json', 'tools/lib/bundle.mjs', 'node_modules/.package-lock.json'];

/** Licences of the packages whose code is in the bundle. */
const LICENSES = 'THIRD-PARTY-LICENSES.txt';

/** Files of earlier bundles stay for this long: a process that runs from them may load some late. */
const KEEP_OLD_MS = 3_600_000;

/** Whether dist/ holds a bundle made after the last change of every input. */
export function bundleIsFresh(root) {
  let made;
  try {
    made = statSync(path.join(root, STAMP)).mtimeMs;
  } catch {
    return false;
  }
  return !INPUTS.some((name) => isNewer(path.join(root, name), made));
}

/** Folders count with their own time: a file that was removed or moved away changes it. */
function isNewer(file, than) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (found.mtimeMs > than) return true;
  return found.isDirectory() && readdirSync(file).some((name) => isNewer(path.join(file, name), than));
}

/** The program to give to Node: the bundle when it is fresh, else the sources. */
export function entryPoint(root) {
  return path.join(root, bundleIsFresh(root) ? 'dist/cli/bin.js' : 'src/cli/main.ts');
}

/**
 * Makes the bundle unless it is fresh. False where it cannot be: esbuild is not installed (production packages only), the folder is
 * read-only, a source does not parse. Then the sources run.
 */
export async function ensureBundle(root) {
  if (bundleIsFresh(root)) return true;
  const esbuild = await loadEsbuild(root);
  if (esbuild === null) return false;
  try {
    await makeBundle(root, esbuild);
    return true;
  } catch (error) {
    console.error(`no bundle, nuncio runs from its sources: ${error.message}`);
    return false;
  }
}

/** Names of the files that belong to the bundle, relative to dist/. */
export function bundleFiles(root) {
  return new Set(JSON.parse(readFileSync(path.join(root, STAMP), 'utf8')));
}

async function loadEsbuild(root) {
  try {
    const file = createRequire(path.join(root, 'package.json')).resolve('esbuild');
    return (await import(pathToFileURL(file).href)).default;
  } catch {
    return null;
  }
}

async function makeBundle(root, esbuild) {
  // The time before anything was read: an edit while esbuild works makes the bundle stale.
  const started = new Date();
  const dist = path.join(root, 'dist');
  const common = {
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'ascii',
    // Its ES modules, of which the bundle takes what is used; for Node the package offers only CommonJS.
    alias: { yaml: path.join(root, 'node_modules/yaml/browser/dist/index.js') },
    // Stack traces keep their names and lines; --enable-source-maps shows the sources'.
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'error',
  };
  const results = await Promise.all([
    esbuild.build({ ...common, entryPoints: { 'cli/bin': 'src/cli/bin.ts', index: 'src/index.ts' }, chunkNames: 'main-[hash]' }),
    // Of its own, although most is the same: compiled code is kept by file, and each thread needs other functions of it.
    esbuild.build({ ...common, entryPoints: { worker: 'src/server/worker.ts' }, chunkNames: 'worker-[hash]' }),
  ]);
  const files = results.flatMap((result) => result.outputFiles);
  rmSync(path.join(root, STAMP), { force: true });
  mkdirSync(path.join(dist, 'cli'), { recursive: true });
  // Entries last: what they import is there by then.
  const isEntry = (file) => !/-[0-9A-Z]{8}\.js/.test(file.path);
  for (const file of files.filter((each) => !isEntry(each))) replaceFile(file.path, file.contents);
  replaceFile(path.join(dist, LICENSES), licenses(root, results));
  replaceFile(path.join(dist, 'log-lines.json'), JSON.stringify(logLines(root, dist, files)));
  for (const file of files.filter(isEntry)) replaceFile(file.path, file.contents);
  chmodSync(path.join(dist, 'cli/bin.js'), 0o755);
  removeOld(dist, new Set(files.map((file) => path.basename(file.path))));
  writeFileSync(path.join(root, STAMP), JSON.stringify([...files.map((file) => path.relative(dist, file.path)), 'log-lines.json', LICENSES, path.basename(STAMP)]));
  utimesSync(path.join(root, STAMP), started, started);
}

/** Never half a file for a process that starts at this moment. */
function replaceFile(file, contents) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, file);
}

/** The licence of each package that has a part in the bundle, as the package states it. */
function licenses(root, results) {
  const packages = new Map();
  for (const input of results.flatMap(({ metafile }) => Object.keys(metafile.inputs))) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found === null) continue;
    if (!packages.has(found[1])) packages.set(found[1], []);
    packages.get(found[1]).push(path.join(root, input));
  }
  return [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, files]) => licenseOf(path.join(root, 'node_modules', name), files)).join('\n\n');
}

/** From its file of that name, or else from the comments at the head of the files that are used. */
function licenseOf(folder, files) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? [...new Set(files.map(headOf))].join('\n') : readFileSync(path.join(folder, file), 'utf8');
  return `${name} ${version} (${license})\n\n${text}`;
}

function headOf(file) {
  return /^(?:\/\/.*\n)*/.exec(readFileSync(file, 'utf8'))[0].replaceAll(/^\/\/ ?/gm, '');
}

/** Lines of the bundle that log something, for src/server/source-location.ts. */
function logLines(root, dist, files) {
  const all = {};
  for (const file of files) {
    if (!file.path.endsWith('.js')) continue;
    const map = files.find((each) => each.path === `${file.path}.map`);
    const lines = file.text.split('\n');
    if (map === undefined || !lines.some(logs)) continue;
    const sources = new SourceMap(JSON.parse(map.text));
    const found = {};
    lines.forEach((line, index) => {
      if (!logs(line)) return;
      const entry = sources.findEntry(index, line.indexOf('.log(') + 1);
      if (entry.originalSource === undefined) return;
      const source = path.resolve(path.dirname(file.path), entry.originalSource);
      found[index + 1] = `${path.relative(root, source).replaceAll(path.sep, '/')}:${entry.originalLine + 1}`;
    });
    all[path.relative(dist, file.path).replaceAll(path.sep, '/')] = found;
  }
  return all;
}

function logs(line) {
  return line.includes('.log(');
}

function removeOld(dist, current) {
  const before = Date.now() - KEEP_OLD_MS;
  for (const name of readdirSync(dist)) {
    if (!/^(?:main|worker)-[0-9A-Z]{8}\.js/.test(name) || current.has(name)) continue;
    if (statSync(path.join(dist, name)).mtimeMs < before) rmSync(path.join(dist, name), { force: true });
  }
}

