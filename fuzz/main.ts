// `npm run fuzz -- [--seconds N] [--seed S] [TARGET...]`: every fuzz target in turn, N seconds (10) each. Non-zero when one has a finding.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

/** Programs of this folder; each prints how many inputs it tried and ends with 1 on a finding. */
const TARGETS = ['http1/request', 'http1/response', 'http2/hpack', 'http2/hpack-peers', 'http2/server-frames', 'http2/client-frames', 'http2/frames-peers', 'listener/proxy-protocol', 'listener/client-hello', 'grpc/frames', 'grpc-client/lying-server', 'transcoding/json', 'transcoding/response', 'transcoding/path', 'config/yaml', 'config/json', 'config/pb-text'];

interface Outcome {
  readonly target: string;
  readonly status: number;
}

function run(target: string, options: readonly string[]): Outcome {
  const program = path.join(import.meta.dirname, `${target}.ts`);
  const { status, error } = spawnSync(process.execPath, [...process.execArgv, program, ...options], { stdio: 'inherit' });
  if (error !== undefined) console.error(`${target}: ${error.message}`);
  // A process that a signal has ended has no status: that is a finding, too.
  return { target, status: status ?? 1 };
}

function main(): number {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((each) => !TARGETS.includes(each));
  if (unknown.length > 0 || !(Number(values.seconds) > 0)) {
    console.error(`usage: npm run fuzz -- [--seconds N] [--seed S] [TARGET...]\ntargets: ${TARGETS.join(', ')}`);
    return 2;
  }
  const options = ['--seconds', values.seconds, ...(values.seed === undefined ? [] : ['--seed', values.seed])];
  const outcomes = (positionals.length > 0 ? positionals : TARGETS).map((target) => run(target, options));
  const failed = outcomes.filter((each) => each.status !== 0).map((each) => each.target);
  console.log(`\nfuzz: ${outcomes.length} targets, ${failed.length} with a finding${failed.length > 0 ? ` (${failed.join(', ')})` : ''}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = main();
