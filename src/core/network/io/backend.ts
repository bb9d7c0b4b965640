import { loadBindings } from './bindings.ts';
import { HandleBackend } from './handle-transport.ts';
import { NetBackend } from './net-transport.ts';
import type { IoBackend } from './transport.ts';

let chosen: IoBackend | null = null;

/**
 * The sockets of this thread: handles where the runtime has what they need, else net.Socket. The environment variable NUNCIO_IO
 * (`handle` or `net`) forces one of them.
 */
export function ioBackend(): IoBackend {
  return (chosen ??= choose(process.env.NUNCIO_IO));
}

/** Forces a backend for this thread (tests); null chooses anew at the next use. */
export function setIoBackend(backend: IoBackend | null): void {
  chosen = backend;
}

/** Makes the backend called `wanted`, or the best one. Throws when `handle` is asked for and the runtime lacks it. */
export function choose(wanted: string | undefined): IoBackend {
  if (wanted === 'net') return new NetBackend();
  const bindings = loadBindings();
  if (bindings !== null) return new HandleBackend(bindings);
  if (wanted === 'handle') throw new Error('NUNCIO_IO=handle: this runtime does not give access to its socket handles');
  return new NetBackend();
}
