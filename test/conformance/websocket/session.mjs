// What a client does and sees, the same for every implementation: `next()` gives one event as text.
import { createHash } from 'node:crypto'

const WAIT_MS = 5_000

/** Long messages stand for themselves by length and hash. */
export function describe(kind, data) {
  const bytes = Buffer.from(data)
  if (bytes.length <= 64) return `${kind}:${kind === 'text' ? bytes.toString() : bytes.toString('hex')}`
  return `${kind}:${bytes.length}:${createHash('sha1').update(bytes).digest('hex').slice(0, 12)}`
}

export class Events {
  constructor() {
    this.queue = []
    this.waiting = null
  }

  push(event) {
    if (this.waiting === null) this.queue.push(event)
    else {
      const { resolve, timer } = this.waiting
      this.waiting = null
      clearTimeout(timer)
      resolve(event)
    }
  }

  next() {
    if (this.queue.length > 0) return Promise.resolve(this.queue.shift())
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = null
        resolve('timeout')
      }, WAIT_MS)
      this.waiting = { resolve, timer }
    })
  }
}
