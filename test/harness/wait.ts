// Waiting for something that another process or socket does. Only for tests with real sockets; unit tests use a virtual clock.

/** Resolves after `ms` milliseconds of real time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Asks `probe` every `everyMs` until it gives something else than undefined, null or false, and resolves to that.
 * Throws `what` in an error when `timeoutMs` have passed.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  { timeoutMs = 5_000, everyMs = 10 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`)
    await sleep(everyMs)
  }
}

/** Runs `body` and then, whatever happened, every clean-up that was deferred, last first. */
export async function withCleanup<T>(body: (defer: (undo: () => unknown) => void) => Promise<T>): Promise<T> {
  const undos: (() => unknown)[] = []
  try {
    return await body((undo) => undos.push(undo))
  } finally {
    for (const undo of undos.reverse()) await undo()
  }
}
