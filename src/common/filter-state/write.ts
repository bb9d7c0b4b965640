import type { StreamInfo } from '../../contract/stream-info.ts';

/** Which objects nobody may replace, by the filter state that they are in. */
const kinds = new WeakMap<ReadonlyMap<string, unknown>, Map<string, boolean>>();

/** Puts an object into filter state. One that is read-only stays, and an object keeps its kind: false then, as Envoy refuses it. */
export function setFilterState(info: StreamInfo, key: string, object: unknown, readOnly: boolean): boolean {
  const state = (info.filterState ??= new Map<string, unknown>());
  let known = kinds.get(state);
  if (known === undefined) kinds.set(state, (known = new Map<string, boolean>()));
  const before = state.has(key) ? (known.get(key) ?? false) : null;
  if (before === true || (before !== null && before !== readOnly)) return false;
  known.set(key, readOnly);
  state.set(key, object);
  return true;
}
