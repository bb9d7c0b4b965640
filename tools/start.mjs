// `npm start`: installs what is missing and runs the quick start, or `npm start -- OPTIONS` nuncio with those options.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ensureBundle, entryPoint } from './lib/bundle.mjs';
import { ensureDependencies, ensureRuntime, environmentWith, root } from './lib/runtime.mjs';
import { NODE_FLAGS } from './lib/tasks.mjs';

/** Two signals within this many milliseconds are one: a terminal's Ctrl-C reaches us from the terminal and from npm. */
const SAME_SIGNAL_MS = 300;

const QUICK_START = ['-c', 'examples/quick-start.yaml', '--concurrency', '1'];

const WHAT_TO_TRY = `
nuncio runs examples/quick-start.yaml:

  proxy   http://127.0.0.1:10000   every request goes to the cluster "hello"
  admin   http://127.0.0.1:9901    statistics, clusters, configuration
  origin  http://127.0.0.1:10001   stands in for your own service

Try in another terminal:

  curl -i http://127.0.0.1:10000/hello        a proxied request
  curl -i http://127.0.0.1:10000/healthz      answered by the proxy itself
  curl http://127.0.0.1:9901/clusters         the cluster's host and its counters
  curl 'http://127.0.0.1:9901/stats?filter=http.ingress_http.downstream_rq'

Your own configuration:  ./nuncio -c envoy.yaml      Stop: Ctrl-C
`;

/**
 * Starts nuncio in a session of its own, so that a terminal's Ctrl-C reaches it once, through us: a second signal
 * would mean "stop at once" to it.
 */
function startProxy(node, args) {
  const command = [...NODE_FLAGS, entryPoint(root), ...args];
  const proxy = spawn(node, command, { cwd: root, stdio: 'inherit', detached: true, env: environmentWith(node) });
  proxy.on('error', (error) => {
    console.error(`could not start nuncio: ${error.message}`);
    process.exit(1);
  });
  proxy.on('exit', (code, signal) => {
    process.exit(code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1));
  });
  return proxy;
}

function forwardSignals(proxy) {
  let last = -Infinity;
  const forward = (signal) => {
    const now = performance.now();
    if (now - last < SAME_SIGNAL_MS) return;
    last = now;
    proxy.kill(signal);
  };
  process.on('SIGINT', () => forward('SIGINT'));
  process.on('SIGTERM', () => forward('SIGTERM'));
  // The terminal is gone: nobody can stop the proxy any more.
  process.on('SIGHUP', () => forward('SIGTERM'));
  process.on('exit', () => proxy.kill('SIGTERM'));
}

/**
 * Calls `done` once the proxy says it is ready. It asks at the address that the proxy wrote into `addressFile`, so
 * that another program on the same port is never taken for it.
 */
function whenReady(addressFile, done) {
  const again = () => setTimeout(() => whenReady(addressFile, done), 50).unref();
  let address;
  try {
    address = readFileSync(addressFile, 'utf8').trim();
  } catch {
    return again();
  }
  const request = http.get(`http://${address}/ready`, (response) => {
    response.resume();
    if (response.statusCode === 200) done();
    else again();
  });
  request.on('error', again);
}

function startQuickStart(node) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-start-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const addressFile = path.join(folder, 'admin-address');
  forwardSignals(startProxy(node, [...QUICK_START, '--admin-address-path', addressFile]));
  whenReady(addressFile, () => console.log(WHAT_TO_TRY));
}

const given = process.argv.slice(2);
const node = ensureRuntime();
ensureDependencies({ development: false });
await ensureBundle(root);
if (given.length > 0) forwardSignals(startProxy(node, given));
else startQuickStart(node);
