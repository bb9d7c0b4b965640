import { ConfigError } from '../contract/errors.ts';

/** For something that Envoy has and nuncio does not honour: refused at load, never ignored (ARCHITECTURE section 5). */
export function notYet(what: string, path = '', hint = ''): ConfigError {
  return new ConfigError(`known to Envoy, not in nuncio yet: ${what}`, { path, hint });
}

/**
 * Refuses fields of `message` that are set. `fields` maps the name in the generated type to the name in the configuration;
 * a list or map counts as set when it is not empty, a number, string or boolean when it is not its default.
 */
export function refuseFields<M extends object>(message: M, typeName: string, fields: { readonly [K in keyof M]?: string }): void {
  const [first] = refusedFields(message, typeName, fields);
  if (first !== undefined) throw first;
}

/** All errors that `refuseFields` has; it throws the first. */
export function refusedFields<M extends object>(message: M, typeName: string, fields: { readonly [K in keyof M]?: string }): ConfigError[] {
  const errors: ConfigError[] = [];
  for (const key of Object.keys(fields) as (keyof M)[]) {
    if (isSet(message[key])) errors.push(notYet(`${typeName}.${fields[key] ?? String(key)}`, fields[key] ?? ''));
  }
  return errors;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === 0n || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && !('$typeName' in value)) return Object.keys(value).length > 0;
  return true;
}
