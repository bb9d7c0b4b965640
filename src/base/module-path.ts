/**
 * URL of a module beside the calling one, named without its extension: `moduleBeside(import.meta.url, './worker')`.
 *
 * For what is started by name instead of being imported, such as a worker thread's entry. In a checkout the file is TypeScript,
 * in the npm package JavaScript; the caller's own extension says which.
 */
export function moduleBeside(caller: string, name: string): URL {
  return new URL(name + caller.slice(caller.lastIndexOf('.')), caller);
}

/**
 * URL of the folder, with a slash at its end, that holds `src` and `dist`: `projectRoot(import.meta.url)`.
 *
 * For files that are read at run time, such as the API blob. A module is `src/…/x.ts` in a checkout and part of a file in `dist` when it is
 * bundled, so a relative path cannot do. Neither folder has another of these names inside it.
 */
export function projectRoot(caller: string): string {
  const end = Math.max(caller.lastIndexOf('/src/'), caller.lastIndexOf('/dist/'));
  if (end < 0) throw new Error(`${caller} is neither below src nor below dist`);
  return caller.slice(0, end + 1);
}
