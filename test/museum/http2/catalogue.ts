/** Every attack over HTTP/2 that the museum knows, as bytes. Envoy 1.40's verdicts on them are recorded in envoy-verdicts.json. */
import { ANSWER_CASES } from './answers.ts';
import type { AttackCase } from './case.ts';
import { FIELDS } from './fields.ts';
import { FLOODS } from './floods.ts';
import { FRAMES } from './frames.ts';

export const CASES: readonly AttackCase[] = [...FLOODS, ...FRAMES, ...FIELDS, ...ANSWER_CASES];

export function keyOf(one: AttackCase): string {
  return `${one.id}: ${one.name}`;
}
