/**
 * URL of a module beside the calling one, named without its extension: `moduleBeside(import.meta.url, './worker')`.
 *
 * For what is started by name instead of being imported, such as a worker thread's entry. In a checkout the file is TypeScript,
 * in the npm package JavaScript; the caller's own extension says which.
 */
export function moduleBeside(caller: string, name: string): URL {
  return new URL(name + caller.slice(caller.lastIndexOf('.')), caller);
}
