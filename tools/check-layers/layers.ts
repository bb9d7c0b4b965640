// The layers of src/ and what each may import. This file IS the rule of docs/internals/life-of-a-request.md; change it by an ADR.

/** Layers in the order in which they were built, lowest first; a layer never imports one that stands later. */
export const LAYERS = ['base', 'contract', 'codec', 'config', 'common', 'core', 'xds', 'extensions', 'server', 'cli'] as const;

export type Layer = (typeof LAYERS)[number];

/**
 * What a layer's files may import besides their own layer.
 *
 * `base ← contract ← { codec, config } ← common ← core ← { xds, extensions } ← server ← cli`: `codec` and `config` do not know
 * each other, nor do `xds` and `extensions`; an extension sees neither `core` nor another extension, so that it can be
 * understood, tested and replaced alone.
 */
export const MAY_IMPORT: Record<Layer, readonly Layer[]> = {
  base: [],
  contract: ['base'],
  codec: ['base', 'contract'],
  config: ['base', 'contract'],
  common: ['base', 'contract', 'codec', 'config'],
  core: ['base', 'contract', 'codec', 'config', 'common'],
  xds: ['base', 'contract', 'codec', 'config', 'common', 'core'],
  extensions: ['base', 'contract', 'codec', 'config', 'common'],
  server: ['base', 'contract', 'codec', 'config', 'common', 'core', 'xds', 'extensions'],
  cli: ['base', 'contract', 'codec', 'config', 'common', 'core', 'xds', 'extensions', 'server'],
};

/** `src/index.ts`, the library's entry, stands above the server and beside the command line. */
export const ENTRY_MAY_IMPORT: readonly Layer[] = MAY_IMPORT.cli;

/** One import that the rules forbid and that is right all the same. */
export interface Exception {
  /** Importing file, or folder with a trailing slash, from the root. */
  readonly from: string;
  /** Imported file, or folder with a trailing slash, from the root; or a module name such as `node:fs`. */
  readonly to: string;
  /** Why it is right. A test refuses an empty one, and the check refuses an exception that nothing uses. */
  readonly reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    from: 'src/extensions/filters/network/http_connection_manager/',
    to: 'src/core/',
    reason: 'a factory over core/http: the connection manager is the engine itself, the extension only configures it',
  },
  {
    from: 'src/extensions/filters/http/router/',
    to: 'src/core/',
    reason: 'a factory over core/router: routing and retries are the engine itself',
  },
  {
    from: 'src/extensions/filters/network/tcp_proxy/',
    to: 'src/core/',
    reason: 'a factory over core/network and core/upstream: proxying bytes is the engine itself',
  },
  {
    from: 'src/extensions/transport_sockets/tls/',
    to: 'src/core/',
    reason: 'a factory over core/tls: handshakes are the engine itself, on its handles',
  },
  {
    from: 'src/common/data-source.ts',
    to: 'node:fs',
    reason: 'a DataSource may name a file; it is read once, while configuration is loaded',
  },
  {
    from: 'src/common/network/cidr.ts',
    to: 'node:net',
    reason: 'only isIP, a question about a text',
  },
  {
    from: 'src/common/network/ip-address.ts',
    to: 'node:net',
    reason: 'only isIP, a question about a text',
  },
  {
    from: 'src/codec/proxy-protocol/read-header.ts',
    to: 'node:net',
    reason: 'only isIP, a question about a text',
  },
];

/** Layers whose files do no input or output and arm no timers of their own: bytes and values in, events and values out. */
export const PURE_LAYERS: readonly Layer[] = ['contract', 'codec', 'common'];

/** Modules that a pure layer may not import at run time. */
export const IO_MODULES: readonly string[] = [
  'node:child_process',
  'node:dgram',
  'node:dns',
  'node:dns/promises',
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:timers',
  'node:timers/promises',
  'node:tls',
  'node:worker_threads',
];

/** Modules that nothing in src/ may import: the data path has its own codecs, which are faster and exact. */
export const FORBIDDEN_MODULES: readonly string[] = ['node:http', 'node:https', 'node:http2'];

/** Layers that know nothing of Envoy's messages. */
export const NO_API_LAYERS: readonly Layer[] = ['base', 'codec'];
