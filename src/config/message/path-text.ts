import type { PathStep } from './read-context.ts';

/** `static_resources.listeners[0].name`; keys that are no plain names are put in brackets and quotes. */
export function pathText(path: readonly PathStep[]): string {
  let out = '';
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`;
    else if (/^[A-Za-z0-9_@-]+$/.test(step)) out += out === '' ? step : `.${step}`;
    else out += `[${JSON.stringify(step)}]`;
  }
  return out;
}
