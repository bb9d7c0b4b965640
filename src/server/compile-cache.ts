import { mkdirSync, statSync } from 'node:fs';
import { constants, enableCompileCache, flushCompileCache } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../base/module-path.ts';

/**
 * V8's compiled code, kept from one start to the next: without it every start compiles all modules anew on every thread.
 *
 * What is in the folder is run as code, so it must belong to this process's user and nobody else may write there: never a fixed place in a
 * folder that all users share, where another one could put a folder of that name first.
 */

let used: string | null = null;

/** The folder in use, or null. */
export function compileCacheFolder(): string | null {
  return used;
}

/** Uses the user's own choice (`NODE_COMPILE_CACHE`) or else the first good folder; none is no error, only a slower start. */
export function useCompileCache(): void {
  const given = process.env['NODE_COMPILE_CACHE'];
  const folder = given === undefined || given === '' ? candidates().find(isOurs) : given;
  if (folder !== undefined) useCompileCacheAt(folder);
}

/** A worker uses main's. */
export function useCompileCacheAt(folder: string): void {
  const { status } = enableCompileCache(folder);
  if (status === constants.compileCacheStatus.ENABLED || status === constants.compileCacheStatus.ALREADY_ENABLED) used = folder;
}

/**
 * Writes what this thread has compiled and not yet stored. To be called when the start is over: what has run by then is what the next
 * start needs. Left to itself Node writes at the end of the thread, which a proxy that is killed never has.
 */
export function storeCompiledCode(): void {
  if (used !== null) flushCompileCache();
}

/** The project's own folder (a checkout, a package in a user's project), then the user's (a package that root installed). */
function candidates(): string[] {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const list = [fileURLToPath(new URL('.cache/compiled', projectRoot(import.meta.url)))];
  if (cache !== undefined && path.isAbsolute(cache)) list.push(path.join(cache, 'nuncio'));
  else if (home !== undefined && path.isAbsolute(home)) list.push(path.join(home, '.cache/nuncio'));
  return list;
}

/** Whether the folder exists, made now if need be, and is the user's alone to write to. */
export function isOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = statSync(folder);
    // Windows has no such bits; the folders of a user are closed to others there.
    if (os.platform() === 'win32') return found.isDirectory();
    return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
