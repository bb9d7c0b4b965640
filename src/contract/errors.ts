/** Errors are values on the data path, and one class on the configuration path. See docs/internals/errors.md. */

/** Where in a configuration text something stands; lines and columns start at 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The user's configuration is wrong. Thrown only while configuration is loaded (by loaders, validators and factories), caught where
 * a resource is loaded, and shown at exit or sent as a NACK.
 */
export class ConfigError extends Error {
  /** Null when the value has no place in a text (a binary file, a control plane). */
  readonly position: Position | null;
  /** Field path from the root of the resource: `static_resources.listeners[0].address`; empty for the whole. */
  readonly path: string;
  /** What is wrong, one sentence without a full stop; Envoy's words where it has good ones. */
  readonly why: string;
  /** What to write instead, or empty. */
  readonly hint: string;

  constructor(why: string, options: { path?: string; hint?: string; position?: Position | null } = {}) {
    super(why);
    this.name = 'ConfigError';
    this.why = why;
    this.path = options.path ?? '';
    this.hint = options.hint ?? '';
    this.position = options.position ?? null;
  }

  /** The same error seen from one level further out: `prefix` is put before the path. */
  under(prefix: string): ConfigError {
    const joint = this.path === '' || this.path.startsWith('[') ? '' : '.';
    return new ConfigError(this.why, { path: prefix + joint + this.path, hint: this.hint, position: this.position });
  }
}

/** Several errors of one resource, reported together. */
export class ConfigErrors extends Error {
  readonly errors: readonly ConfigError[];

  constructor(errors: readonly ConfigError[]) {
    super(errors.map((error) => (error.path === '' ? error.why : `${error.path}: ${error.why}`)).join('\n'));
    this.name = 'ConfigErrors';
    this.errors = errors;
  }
}

/** Runs `build`; a ConfigError inside it gets `path` put before its own. */
export function configAt<T>(path: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof ConfigError) throw error.under(path);
    if (error instanceof ConfigErrors) throw new ConfigErrors(error.errors.map((each) => each.under(path)));
    throw error;
  }
}

/** What went wrong in a codec, and whose fault it is. Returned, never thrown. */
export interface CodecError {
  /** `codec`: the peer sent what the protocol forbids. `flood`: more than a limit allows. `goaway`: premature end by the peer's will. */
  readonly kind: 'codec' | 'flood' | 'goaway';
  /** Human text for the log, such as `http/1.1 protocol error: INVALID_HEADER_FORMAT`. */
  readonly message: string;
  /** Response code details, such as `http1.codec_error` (access log, `%RESPONSE_CODE_DETAILS%`). */
  readonly details: string;
  /** Status for the local reply that a server connection has already been told to send, or 0 when it closes without. */
  readonly status: number;
}
