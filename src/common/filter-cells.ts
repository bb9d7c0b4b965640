import type { FactoryContext } from '../contract/extension.ts';

const ordinals = new WeakMap<FactoryContext, Map<string, number>>();

/**
 * A name for shared cells of one filter of a listener: different for each filter that is built with one context, and the same on every
 * thread, since all threads build the same configuration in the same order. All names of a listener begin with `listener.<name>.`.
 */
export function filterCellName(context: FactoryContext, kind: string): string {
  let counts = ordinals.get(context);
  if (counts === undefined) ordinals.set(context, (counts = new Map<string, number>()));
  const prefix = `listener.${context.listener.name}.${context.listenerScope.prefix}${kind}`;
  const ordinal = counts.get(prefix) ?? 0;
  counts.set(prefix, ordinal + 1);
  return `${prefix}.${ordinal}`;
}
