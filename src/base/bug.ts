/**
 * Our own mistakes (Envoy's ENVOY_BUG): logged once for each place, counted, and survived in production; thrown in tests,
 * so that no test passes over one.
 */
export type BugListener = (where: string, detail: string, count: number) => void;

let strict = process.env.NODE_TEST_CONTEXT !== undefined;
let listener: BugListener = (where, detail, count) => {
  if (count === 1) process.stderr.write(`nuncio bug: ${where}: ${detail}\n${new Error(where).stack ?? ''}\n`);
};
const counts = new Map<string, number>();
let total = 0;

/** Reports that something impossible happened at `where` (a constant text). Throws under a test runner. */
export function bug(where: string, detail = ''): void {
  if (strict) throw new Error(`nuncio bug: ${where}: ${detail}`);
  const count = (counts.get(where) ?? 0) + 1;
  counts.set(where, count);
  total++;
  listener(where, detail, count);
}

/** How many bugs this thread has reported: `server.envoy_bug_failures`. */
export function bugCount(): number {
  return total;
}

/** Where reports go (the server's log). */
export function setBugListener(next: BugListener): void {
  listener = next;
}

/** Whether `bug` throws; tests of the survival path turn it off. */
export function setBugStrict(next: boolean): void {
  strict = next;
}
