import { writeSync } from 'node:fs';

export const STDOUT = 1;
export const STDERR = 2;

/** Writes at once, because the process may be about to end, and gives the exit code on. */
export function say(fd: number, text: string, code: number): number {
  writeSync(fd, text);
  return code;
}
