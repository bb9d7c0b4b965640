import { compactHeap } from './compact-heap.ts';
import { storeCompiledCode } from './compile-cache.ts';

/**
 * What a thread does once its start is over. `idle`: whether nobody waits for it; a busy thread collects its garbage soon enough by itself,
 * but the compiled code is worth its few milliseconds even then: they are spent once for each version of the program.
 */
export function afterStart(idle: boolean): void {
  storeCompiledCode();
  if (idle) compactHeap();
}
