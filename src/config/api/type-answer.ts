import type { DescMessage } from '@bufbuild/protobuf';
import { closest } from '../message/did-you-mean.ts';
import { isLinkedFile } from './not-linked.ts';
import type { ApiRegistry } from './registry.ts';

/** What is known of a message type that a configuration names. */
export interface TypeAnswer {
  /** Undefined when Envoy would not find the type. */
  readonly descriptor: DescMessage | undefined;
  readonly hint: string;
}

const answers = new WeakMap<ApiRegistry, Map<string, TypeAnswer>>();

/** Looks a message type up as Envoy does: the standard build's types are found; contrib's and unknown ones are not. */
export function typeAnswer(typeName: string, api: ApiRegistry): TypeAnswer {
  let known = answers.get(api);
  if (known === undefined) answers.set(api, (known = new Map<string, TypeAnswer>()));
  let answer = known.get(typeName);
  if (answer === undefined) {
    answer = look(typeName, api);
    // Names come from the text: only as many as the API has types are kept.
    if (answer.descriptor !== undefined) known.set(typeName, answer);
  }
  return answer;
}

function look(typeName: string, api: ApiRegistry): TypeAnswer {
  const file = api.fileOf(typeName);
  if (file !== undefined && !isLinkedFile(file)) {
    const where = file.startsWith('contrib/') ? 'an extension of contrib' : 'in the API';
    return { descriptor: undefined, hint: `it is ${where}, but not in the standard Envoy build` };
  }
  const descriptor = api.getMessage(typeName);
  if (descriptor !== undefined) return { descriptor, hint: '' };
  return { descriptor: undefined, hint: suggestion(typeName, api) };
}

function suggestion(typeName: string, api: ApiRegistry): string {
  const names = api.messageNames;
  const simple = typeName.slice(typeName.lastIndexOf('.') + 1);
  if (/\.v2(alpha)?(\.|$)|^envoy\.api\.v2\./.test(typeName)) {
    const successor = v3Of(typeName, simple, names);
    return `v2 types are gone${successor === undefined ? '' : `; its v3 type is type.googleapis.com/${successor}`}`;
  }
  const near = closest(typeName, names) ?? sameSimpleName(simple, names);
  return near === undefined ? '' : `did you mean type.googleapis.com/${near}?`;
}

/** The v3 message of the same simple name whose path has most words in common with the v2 one. */
function v3Of(typeName: string, simple: string, names: readonly string[]): string | undefined {
  const words = new Set(typeName.split('.'));
  let best: string | undefined;
  let bestScore = 0;
  for (const name of names) {
    if (!name.endsWith(`.${simple}`) || !name.includes('.v3.')) continue;
    const score = name.split('.').filter((each) => words.has(each)).length;
    if (score > bestScore) {
      best = name;
      bestScore = score;
    }
  }
  return best;
}

function sameSimpleName(simple: string, names: readonly string[]): string | undefined {
  const same = names.filter((each) => each.endsWith(`.${simple}`));
  return same.length === 1 ? same[0] : undefined;
}
