import type * as Crypto from 'node:crypto';

/**
 * Node's crypto module, loaded on first use: its thirty internal modules cost every thread 10 ms at the start, and a proxy without TLS needs
 * it late or never.
 */
export function crypto(): typeof Crypto {
  return process.getBuiltinModule('node:crypto');
}
