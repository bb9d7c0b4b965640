import assert from 'node:assert/strict';
import { encodeGrpcFrame } from '../../src/codec/grpc/frame.ts';
import { JsonRequestTranslator } from '../../src/common/transcoding/json-request-translator.ts';
import { ResponseToJsonTranslator } from '../../src/common/transcoding/response-translator.ts';
import { OK } from '../../src/common/transcoding/status.ts';
import { library, libraryType, PLAIN_PRINT } from '../../test/library/library.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';
import { assertJson, mutated, pieces } from './bytes.ts';
import { generateJson } from './generate.ts';

interface Outcome {
  readonly fault: string | null;
  readonly text: string;
}

function translate(cut: readonly Buffer[], streaming: boolean, newlines: boolean): Outcome {
  const options = { print: PLAIN_PRINT, streamNewlineDelimited: newlines, streamSseStyleDelimited: false };
  const translator = new ResponseToJsonTranslator(library(), libraryType('Everything'), streaming, options);
  let text = '';
  let given = 0;
  for (const piece of cut) {
    const bytes = Buffer.from(piece);
    translator.write(bytes);
    text += translator.read();
    bytes.fill(0xee);
    given += piece.length;
    assert.ok(translator.storedBytes >= 0 && translator.storedBytes <= given);
  }
  translator.end();
  text += translator.read();
  return { fault: translator.status === OK ? null : translator.status.message, text };
}

/** Frames of messages that are right, from JSON. */
function frames(rng: Rng): Buffer {
  const info = {
    type: libraryType('Everything'), bodyFieldPath: '*', bindings: [], rejectBindingBodyFieldCollisions: false, caseInsensitiveEnumParsing: false,
  };
  const out: Buffer[] = [];
  for (let n = 1 + rng.below(3); n > 0; n--) {
    const translator = new JsonRequestTranslator(library(), info, false);
    translator.write(Buffer.from(generateJson(rng, 3)));
    translator.end();
    out.push(...translator.read());
  }
  return out.length === 0 ? encodeGrpcFrame(Buffer.from('1805', 'hex')) : Buffer.concat(out);
}

/** A length of the first frame that is true. */
function framed(input: Buffer): Buffer {
  return input.length < 5 ? encodeGrpcFrame(input) : encodeGrpcFrame(input.subarray(5));
}

export const responseTarget: FuzzTarget = {
  name: '../../transcoding/corpus/response',
  generate(rng: Rng, last: Buffer): Buffer {
    const input = frames(rng);
    if (rng.chance(0.3)) return input;
    const changed = mutated(input, last, rng);
    return rng.chance(0.8) ? framed(changed) : changed;
  },
  check(input: Buffer, rng: Rng): void {
    for (const streaming of [false, true]) {
      const whole = translate([input], streaming, false);
      assert.deepEqual(translate(pieces(input, rng), streaming, false), whole);
      if (whole.fault !== null) assert.notEqual(whole.fault, '');
      else if (whole.text !== '') assertJson(whole.text, input);
    }
    const lines = translate([input], true, true);
    for (const line of lines.text.split('\n')) if (line !== '') assertJson(line, input);
  },
};
