import assert from 'node:assert/strict';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { JsonPrinter } from '../../src/common/transcoding/json-printer.ts';
import { JsonRequestTranslator } from '../../src/common/transcoding/json-request-translator.ts';
import { OK } from '../../src/common/transcoding/status.ts';
import { LIBRARY_BYTES, library, libraryType, PLAIN_PRINT } from '../../test/library/library.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';
import { assertJson, hasOddMask, mutated, pieces } from './bytes.ts';
import { generateJson } from './generate.ts';

const TYPE = 'Everything';
/** The same descriptors in a decoder of others. */
const OTHERS = createFileRegistry(fromBinary(FileDescriptorSetSchema, LIBRARY_BYTES)).getMessage(`nuncio.library.${TYPE}`);

interface Outcome {
  /** null when there was no fault. */
  readonly fault: string | null;
  readonly frames: readonly string[];
}

function translate(cut: readonly Buffer[], streaming: boolean): Outcome {
  const info = { type: libraryType(TYPE), bodyFieldPath: '*', bindings: [], rejectBindingBodyFieldCollisions: false, caseInsensitiveEnumParsing: false };
  const translator = new JsonRequestTranslator(library(), info, streaming);
  const frames: string[] = [];
  for (const piece of cut) {
    // What was given is the caller's again after the call.
    const given = Buffer.from(piece);
    translator.write(given);
    given.fill(0xee);
    for (const frame of translator.read()) frames.push(frame.toString('latin1'));
  }
  translator.end();
  for (const frame of translator.read()) frames.push(frame.toString('latin1'));
  return { fault: translator.status === OK ? null : translator.status.message, frames };
}

/** Maps of scalars: given an object for a value, Envoy writes a message that nobody can read, and so do we. */
const SCALAR_MAP = /(?:text|flag|color)_?map/i;

/** Others can read the message; printed and read again it is what was printed. */
function checkMessage(message: Buffer): void {
  assert.ok(OTHERS !== undefined);
  fromBinary(OTHERS, message);
  const text = print(message);
  if (text === null || hasOddMask(message)) return;
  const again = translate([Buffer.from(text, 'latin1')], false);
  assert.equal(again.fault, null, text);
  assert.equal(again.frames.length, 1);
  const twice = print(Buffer.from(again.frames[0], 'latin1').subarray(5));
  // A negative zero of an integer's form is a zero.
  assert.equal(twice?.replaceAll('-0', '0'), text.replaceAll('-0', '0'));
}

function print(message: Buffer): string | null {
  const text = new JsonPrinter(library(), PLAIN_PRINT).print(libraryType(TYPE), message);
  if (text !== null) assertJson(text, message);
  return text;
}

export const jsonTarget: FuzzTarget = {
  name: '../../transcoding/corpus/json',
  generate(rng: Rng, last: Buffer): Buffer {
    const text = generateJson(rng, 3);
    const input = Buffer.from(rng.chance(0.1) ? `[${text},${generateJson(rng, 1)}]` : text);
    return rng.chance(0.4) ? mutated(input, last, rng) : input;
  },
  check(input: Buffer, rng: Rng): void {
    for (const streaming of [false, true]) {
      const whole = translate([input], streaming);
      if (whole.fault !== null) assert.notEqual(whole.fault, '');
      const cut = translate(pieces(input, rng), streaming);
      // Cut, a fault behind the end of a message is not seen any more; all that is whole without a fault is the same.
      if (whole.fault === null) assert.deepEqual(cut, whole);
      if (SCALAR_MAP.test(input.toString('latin1'))) continue;
      for (const frame of whole.frames) checkMessage(Buffer.from(frame, 'latin1').subarray(5));
    }
  },
};
