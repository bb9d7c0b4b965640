import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { portStart } from '../../../common/http/host-header.ts';
import { ConfigError } from '../../../contract/errors.ts';

/**
 * Virtual hosts by domain: exact, then the longest suffix wildcard (`*.foo.com`, `*-bar.foo.com`), then the longest prefix wildcard
 * (`foo.*`), then `*`. A wildcard stands for at least one character. Case does not matter.
 */
export class DomainTable<T> {
  private readonly exact = new Map<string, T>();
  /** By length of the fixed part, longest first after `seal`. */
  private suffixes: Wildcards<T>[] = [];
  private prefixes: Wildcards<T>[] = [];
  private fallback: T | null = null;
  private readonly tableName: string;
  private readonly ignorePort: boolean;

  constructor(tableName: string, ignorePort: boolean) {
    this.tableName = tableName;
    this.ignorePort = ignorePort;
  }

  /** ConfigError for a domain that is there already. */
  add(domain: string, value: T): void {
    const text = asciiLowerCase(toByteString(domain));
    if (text === '*') {
      if (this.fallback !== null) {
        throw new ConfigError(`Only a single wildcard domain is permitted in route ${this.tableName}`);
      }
      this.fallback = value;
      return;
    }
    let known: boolean;
    if (text.startsWith('*')) known = addWildcard(this.suffixes, text.slice(1), value);
    else if (text.endsWith('*')) known = addWildcard(this.prefixes, text.slice(0, -1), value);
    else {
      known = this.exact.has(text);
      this.exact.set(text, value);
    }
    if (known) {
      throw new ConfigError(
        `Only unique values for domains are permitted. Duplicate entry of domain ${text} in route ${this.tableName}`,
      );
    }
  }

  seal(): void {
    this.suffixes.sort((a, b) => b.length - a.length);
    this.prefixes.sort((a, b) => b.length - a.length);
  }

  /** True when every host has the same answer. */
  get isTrivial(): boolean {
    return this.exact.size === 0 && this.suffixes.length === 0 && this.prefixes.length === 0;
  }

  get default(): T | null {
    return this.fallback;
  }

  find(hostHeader: string): T | null {
    let host = asciiLowerCase(hostHeader);
    if (this.ignorePort) {
      const port = portStart(host);
      if (port >= 0) host = host.slice(0, port);
    }
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    for (let i = 0; i < this.suffixes.length; i++) {
      const { length, values } = this.suffixes[i];
      const found = length < host.length ? values.get(host.slice(host.length - length)) : undefined;
      if (found !== undefined) return found;
    }
    for (let i = 0; i < this.prefixes.length; i++) {
      const { length, values } = this.prefixes[i];
      const found = length < host.length ? values.get(host.slice(0, length)) : undefined;
      if (found !== undefined) return found;
    }
    return this.fallback;
  }
}

interface Wildcards<T> {
  readonly length: number;
  readonly values: Map<string, T>;
}

/** Returns whether the text was there already. */
function addWildcard<T>(lists: Wildcards<T>[], text: string, value: T): boolean {
  let list = lists.find((each) => each.length === text.length);
  if (list === undefined) lists.push((list = { length: text.length, values: new Map<string, T>() }));
  const known = list.values.has(text);
  list.values.set(text, value);
  return known;
}
