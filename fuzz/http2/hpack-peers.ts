/**
 * `node fuzz/http2/hpack-peers.ts --seconds N [--seed S]`: the HPACK decoder and encoder beside Node's (nghttp2) and Python's (PyPI's hpack,
 * which comes with h2).
 */
import assert from 'node:assert/strict';
import { HPACK_INTEGER_ERROR, HPACK_MISSING_SIZE_UPDATE, HPACK_OK, HPACK_RESULT_TEXT, HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK, HpackDecoder, HpackEncoder, isValidHeaderValue, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import type { Rng } from '../http1/generate.ts';
import { generateProgram, mutateBytes } from './generate.ts';
import { runNode } from './node-peer.ts';
import { parseProgram } from './program.ts';
import type { Step } from './program.ts';
import { PythonPeer, pythonWithHpack } from './python-peer.ts';
import type { PeerResult } from './python-peer.ts';
import type { Field } from './reference.ts';
import { runTarget } from './run.ts';

const COMPRESSION_ERROR = 9;

interface Decoded {
  readonly result: number;
  readonly fields: readonly Field[];
}

function decodeAll(steps: readonly Step[]): Decoded[] {
  const decoder = new HpackDecoder(4096);
  const all: Decoded[] = [];
  for (const { block, tableSize } of steps) {
    if (block === null) {
      decoder.setMaxTableSize(tableSize);
      continue;
    }
    const fields: Field[] = [];
    const result = decoder.decode(block, 0, block.length, { onHeader: (name, value) => fields.push([name, value]) > 0 });
    all.push({ result, fields });
    if (result !== HPACK_OK) break;
  }
  return all;
}

/** Where Python's decoder is laxer than ours. */
function isMatterOfTaste(result: number): boolean {
  // Integers of other lengths; Python forgets the smallest of several settings.
  return result === HPACK_INTEGER_ERROR || result === HPACK_MISSING_SIZE_UPDATE || result === HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK;
}

function compareWithPython(ours: readonly Decoded[], theirs: readonly PeerResult[]): void {
  for (const [i, { result, fields }] of ours.entries()) {
    const peer = theirs[i];
    if (isMatterOfTaste(result) || peer?.error?.includes('integer representation is too long') === true) return;
    assert.equal(result === HPACK_OK, peer?.fields !== undefined, `Python: ${peer?.error ?? 'takes it'}; we: ${HPACK_RESULT_TEXT[result]}`);
    if (result !== HPACK_OK) return;
    assert.deepEqual(fields, peer?.fields);
  }
}

/** What Python's encoder makes of the fields, decoded by us. */
function readPython(ours: readonly Decoded[], theirs: readonly PeerResult[]): void {
  const decoder = new HpackDecoder(4096);
  for (const [i, { coded }] of theirs.entries()) {
    if (coded === undefined || ours[i]?.result !== HPACK_OK) return;
    const block = Buffer.from(coded, 'hex');
    const got: Field[] = [];
    assert.equal(decoder.decode(block, 0, block.length, { onHeader: (name, value) => got.push([name, value]) > 0 }), HPACK_OK);
    assert.deepEqual(got, ours[i]?.fields);
  }
}

function isFitForNghttp2([name, value]: Field): boolean {
  return name !== 'connection' && isValidHeaderValue(value);
}

async function compareWithNode(blocks: readonly Buffer[], ours: readonly Decoded[]): Promise<void> {
  const last = ours.at(-1);
  if (last === undefined || isMatterOfTaste(last.result)) return;
  const { goAway, requests } = await runNode(blocks.slice(0, ours.length));
  // Any other code: the peer does not like the requests, which is not HPACK's affair, and we cannot tell.
  if (goAway > 0 && goAway !== COMPRESSION_ERROR) return;
  assert.equal(goAway === COMPRESSION_ERROR, last.result !== HPACK_OK, `Node: ${goAway}; we: ${HPACK_RESULT_TEXT[last.result]}`);
  for (const [i, fields] of requests) {
    // nghttp2 leaves out fields that it finds invalid.
    if (ours[i]?.fields.every(isFitForNghttp2) === true) assert.deepEqual(fields, ours[i]?.fields);
  }
}

/** A few requests that nghttp2 likes, through our encoder. */
async function writeForNode(rng: Rng): Promise<void> {
  const encoder = new HpackEncoder(rng.pick([0, 100, 4096]), rng.chance(0.7));
  const sent: Field[][] = [];
  const blocks: Buffer[] = [];
  for (let n = 1 + rng.below(5); n > 0; n--) {
    const fields: Field[] = [[':method', rng.pick(['GET', 'PUT'])], [':scheme', 'http'], [':path', rng.pick(['/', '/a', '/b'])], [':authority', rng.pick(['a', 'b:80'])]];
    for (let k = rng.below(6); k > 0; k--) fields.push([rng.pick(['x-a', 'x-b', 'via', 'x-long-name-of-some-kind']), rng.pick(['', 'a', '\xe9', 'y'.repeat(90), '0123-4567'])]);
    const out = new OutBuffer(64);
    for (const [name, value] of fields) encoder.encode(name, value, out, rng.chance(0.1));
    sent.push(fields);
    blocks.push(Buffer.from(out.bytes.subarray(0, out.position)));
  }
  const { goAway, requests } = await runNode(blocks);
  assert.equal(goAway, -1);
  assert.deepEqual([...requests.values()], sent);
}

const python = pythonWithHpack();
const peer = python === null ? null : new PythonPeer<readonly PeerResult[]>(python, 'hpack-peer.py');
if (peer === null) console.log("hpack-peers: Python's h2 SKIPPED (node tools/test-deps h2, or NUNCIO_PYTHON=a Python that has it)");

await runTarget({
  name: 'hpack-peers',

  generate(rng, last) {
    const program = generateProgram(rng);
    return rng.chance(0.3) ? mutateBytes(rng, program, last) : program;
  },

  async check(input, rng) {
    const steps = parseProgram(input);
    const ours = decodeAll(steps);
    if (peer !== null) {
      const theirs = await peer.run(input);
      compareWithPython(ours, theirs);
      readPython(ours, theirs);
    }
    // Node takes a table size only from its own settings.
    if (steps.every(({ block }) => block !== null)) await compareWithNode(steps.map(({ block }) => block ?? Buffer.alloc(0)), ours);
    if (rng.chance(0.1)) await writeForNode(rng);
  },
});
peer?.stop();
