import type { TlsEngineFactory } from './tls-engine.ts';
import { handleTlsEngine } from './handle-engine.ts';
import { loadTlsBindings } from './tls-bindings.ts';
import { StreamTlsEngine } from './stream-engine.ts';

/** The engine for a connection: TLSWrap over its handle where both are there, else TLSSocket over a stream. */
export function tlsEngine(): TlsEngineFactory {
  const wrap = loadTlsBindings();
  return (raw, parameters, events) => (wrap === null ? null : handleTlsEngine(wrap, raw, parameters, events)) ?? new StreamTlsEngine(raw, parameters, events);
}
