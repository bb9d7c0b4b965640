import { closeSync, openSync, write, writeSync } from 'node:fs';

/** What log files need of the operating system; tests pass a slow or broken one. */
export interface FileSystem {
  /** Opens for appending, creates with mode 0644. Throws what Node throws. */
  open(path: string): number;
  /** Writes off the thread; `done` gets the error or null and how many bytes were taken. */
  write(fd: number, bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes now; returns how many bytes were taken. Throws. */
  writeSync(fd: number, bytes: Buffer): number;
  close(fd: number): void;
}

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };

export const systemFiles: FileSystem = {
  // The process's own streams are used as they are: a path cannot reopen a pipe or socket that somebody passed to us.
  open: (path) => STANDARD[path] ?? openSync(path, 'a', 0o644),
  write: (fd, bytes, done) => write(fd, bytes, done),
  writeSync: (fd, bytes) => writeSync(fd, bytes),
  close: (fd) => {
    if (fd > 2) closeSync(fd);
  },
};
