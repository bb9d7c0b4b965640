import assert from 'node:assert/strict';
import { fieldTag, HPACK_RESULT_TEXT, HpackDecoder, HpackEncoder, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import type { Rng } from '../http1/generate.ts';
import { generateProgram, mutateBytes } from './generate.ts';
import { parseProgram } from './program.ts';
import { ReferenceDecoder } from './reference.ts';
import type { Field } from './reference.ts';
import type { FuzzTarget } from './run.ts';

class Fields {
  readonly list: Field[] = [];
  readonly tags: number[] = [];
  readonly wanted: number;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  onHeader(name: string, value: string, tag: number): boolean {
    assert.ok(this.list.length < this.wanted, 'nothing is delivered after a false');
    this.list.push([name, value]);
    this.tags.push(tag);
    return this.list.length < this.wanted;
  }
}

function referenceResult(reference: ReferenceDecoder, block: Buffer): readonly Field[] | null {
  try {
    return reference.decode(block);
  } catch {
    return null;
  }
}

/** What was decoded must survive our encoder and come back the same, with the tables of both ends alike. */
function checkRoundTrip(encoder: HpackEncoder, decoder: HpackDecoder, fields: readonly Field[]): void {
  const out = new OutBuffer(32);
  for (const [name, value] of fields) encoder.encode(name, value, out);
  const again = new Fields(Infinity);
  assert.equal(HPACK_RESULT_TEXT[decoder.decode(out.bytes, 0, out.position, again)], 'ok');
  assert.deepEqual(again.list, fields);
  assert.equal(decoder.tableSize, encoder.tableSize);
}

/** Header blocks into the decoder, beside the reference. */
export const hpackTarget: FuzzTarget = {
  name: 'hpack',

  generate(rng: Rng, last: Buffer): Buffer {
    const program = generateProgram(rng);
    return rng.chance(0.5) ? mutateBytes(rng, program, last) : program;
  },

  check(input: Buffer, rng: Rng): void {
    const decoder = new HpackDecoder(4096);
    const sleepy = new HpackDecoder(4096);
    const reference = new ReferenceDecoder();
    const encoder = new HpackEncoder(rng.below(5000), rng.chance(0.7));
    const other = new HpackDecoder(4096);
    for (const { block, tableSize } of parseProgram(input)) {
      if (block === null) {
        for (const each of [decoder, sleepy, reference, encoder, other]) each.setMaxTableSize(tableSize);
        continue;
      }
      const wanted = referenceResult(reference, block);
      const fields = new Fields(Infinity);
      const result = decoder.decode(block, 0, block.length, fields);
      assert.equal(result === 0, wanted !== null, `the reference ${wanted === null ? 'refuses' : 'takes'} it, we: ${HPACK_RESULT_TEXT[result]}`);
      // One that is told to stop early ends with the same table and the same verdict.
      assert.equal(sleepy.decode(block, 0, block.length, new Fields(1 + rng.below(4))), result);
      assert.equal(sleepy.tableSize, decoder.tableSize);
      if (wanted === null) return;
      assert.deepEqual(fields.list, wanted);
      assert.deepEqual(fields.tags, wanted.map(([name, value]) => fieldTag(name, value)));
      assert.equal(decoder.tableSize, reference.tableSize);
      // A block without a field has no place for an announced table size; the codec sends none.
      if (wanted.length > 0) checkRoundTrip(encoder, other, wanted);
    }
  },
};
