import type { Message } from '@bufbuild/protobuf';

/** Messages that were found to keep all rules: factories that unpack them again need not pay for a second look. */
const sound = new WeakSet<Message>();

export function markSound(message: Message): void {
  sound.add(message);
}

export function isSound(message: Message): boolean {
  return sound.has(message);
}
