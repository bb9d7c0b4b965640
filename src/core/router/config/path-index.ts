import type { HeaderMap } from '../../../contract/header-map.ts';
import type { Route } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { PATH_CONNECT, PATH_EXACT, PATH_PREFIX, PATH_SEPARATED_PREFIX } from './route-match.ts';

/** Shorter tables are simply walked. */
const INDEX_FROM = 8;

/**
 * Finds the first route of a list that matches. Exact paths stand in a map, prefixes in a map for each length that occurs, and the rest in
 * a list; a look-up gathers the lists of route numbers that the path can match and walks them together in the order of the table, so the
 * first match wins as if the whole table were walked.
 */
export class PathIndex {
  private readonly routes: readonly CompiledRoute[];
  private readonly exact: ReadonlyMap<string, number[]>;
  /** Lengths in ascending order, and the prefixes of each. */
  private readonly lengths: readonly number[];
  private readonly prefixes: readonly ReadonlyMap<string, number[]>[];
  private readonly others: readonly number[];
  private readonly plain: boolean;
  /** Lists of the present look-up and positions in them; a thread looks up one path at a time. */
  private readonly lists: (readonly number[])[];
  private readonly heads: number[];

  constructor(routes: readonly CompiledRoute[]) {
    const exact = new Map<string, number[]>();
    const byLength = new Map<number, Map<string, number[]>>();
    const others: number[] = [];
    routes.forEach((route, i) => {
      const { kind, text, ignoreCase } = route.path;
      if (ignoreCase || (kind !== PATH_EXACT && kind !== PATH_PREFIX && kind !== PATH_SEPARATED_PREFIX)) others.push(i);
      else if (kind === PATH_EXACT) push(exact, text, i);
      else push(mapOfLength(byLength, text.length), text, i);
    });
    this.routes = routes;
    this.exact = exact;
    this.lengths = [...byLength.keys()].sort((a, b) => a - b);
    this.prefixes = this.lengths.map((length) => mapOfLength(byLength, length));
    this.others = others;
    this.plain = routes.length < INDEX_FROM;
    this.lists = [];
    this.heads = [];
  }

  /** `path` is without query and fragment; null when the request has none, then only connect routes can match. */
  find(path: string | null, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    if (path === null) return this.findPathless(headers, streamInfo, random);
    return this.plain ? this.walk(path, headers, streamInfo, random) : this.lookUp(path, headers, streamInfo, random);
  }

  private walk(path: string, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const routes = this.routes;
    for (let i = 0; i < routes.length; i++) {
      const found = attempt(routes[i], path, headers, streamInfo, random);
      if (found !== null) return found;
    }
    return null;
  }

  private findPathless(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    for (let i = 0; i < this.others.length; i++) {
      const route = this.routes[this.others[i]];
      const found = route.path.kind === PATH_CONNECT ? route.resolve(headers, streamInfo, random) : null;
      if (found !== null) return found;
    }
    return null;
  }

  private lookUp(path: string, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const count = this.gather(path);
    const { lists, heads, routes } = this;
    for (;;) {
      let best = -1;
      let bestIndex = routes.length;
      for (let i = 0; i < count; i++) {
        const head = heads[i];
        if (head < lists[i].length && lists[i][head] < bestIndex) {
          best = i;
          bestIndex = lists[i][head];
        }
      }
      if (best < 0) return null;
      heads[best]++;
      const found = attempt(routes[bestIndex], path, headers, streamInfo, random);
      if (found !== null) return found;
    }
  }

  /** Fills `lists` and `heads`; returns how many. */
  private gather(path: string): number {
    const { lists, heads } = this;
    let count = 0;
    const exact = this.exact.get(path);
    if (exact !== undefined) lists[count++] = exact;
    if (this.others.length > 0) lists[count++] = this.others;
    for (let i = 0; i < this.lengths.length && this.lengths[i] <= path.length; i++) {
      const prefix = this.prefixes[i].get(path.slice(0, this.lengths[i]));
      if (prefix !== undefined) lists[count++] = prefix;
    }
    for (let i = 0; i < count; i++) heads[i] = 0;
    return count;
  }
}

function attempt(route: CompiledRoute, path: string, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
  if (route.path.kind !== PATH_CONNECT && !route.path.matches(path)) return null;
  return route.resolve(headers, streamInfo, random);
}

function push(map: Map<string, number[]>, key: string, index: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [index]);
  else list.push(index);
}

function mapOfLength(maps: Map<number, Map<string, number[]>>, length: number): Map<string, number[]> {
  let map = maps.get(length);
  if (map === undefined) maps.set(length, (map = new Map<string, number[]>()));
  return map;
}
