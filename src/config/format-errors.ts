import type { ConfigError } from '../contract/errors.ts';

/**
 * Errors as a user reads them, one paragraph each:
 *
 *     envoy.yaml:12:9: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.codec_typ: no such field: ...
 *         did you mean codec_type?
 */
export function formatConfigErrors(errors: readonly ConfigError[]): string {
  return errors.map(formatConfigError).join('\n');
}

export function formatConfigError(error: ConfigError): string {
  const place = error.position === null ? '' : `${error.position.file}:${error.position.line}:${error.position.column}: `;
  const path = error.path === '' ? '' : `${error.path}: `;
  const hint = error.hint === '' ? '' : `\n    ${error.hint}`;
  return place + path + error.why + hint;
}
