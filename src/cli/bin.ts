#!/usr/bin/env node
// What the npm package installs as `nuncio`: refuses a Node that is too old in words, then starts the command line. Nothing else
// may be imported here, because an old Node would stop at the first file that it cannot read.

const MINIMUM_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < MINIMUM_NODE) {
  process.stderr.write(`nuncio needs Node ${MINIMUM_NODE} or newer, this is ${process.version}.\n`);
  process.exit(1);
}
await import('./main.ts');

export {};
