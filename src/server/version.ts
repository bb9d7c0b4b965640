import { readFileSync } from 'node:fs';
import { projectRoot } from '../base/module-path.ts';

/** The API and behaviour that nuncio follows. */
export const ENVOY_VERSION = '1.40.0';
export const ENVOY_VERSION_MAJOR = 1;
export const ENVOY_VERSION_MINOR = 40;
export const ENVOY_VERSION_PATCH = 0;

/** A file of the checkout or package, or null when it has none of that name. */
function readFromRoot(name: string): string | null {
  try {
    return readFileSync(new URL(name, projectRoot(import.meta.url)), 'utf8');
  } catch {
    return null;
  }
}

let ownVersion: string | null = null;

/** nuncio's version from package.json. */
export function nuncioVersion(): string {
  if (ownVersion === null) {
    const found = /"version":\s*"([^"]+)"/.exec(readFromRoot('package.json') ?? '');
    ownVersion = found?.[1] ?? '0.0.0';
  }
  return ownVersion;
}

const NO_SHA = '0'.repeat(40);
let sha: string | null = null;

/** Commit of the checkout, or zeros where there is none (an installed package). */
export function revisionSha(): string {
  sha ??= readSha();
  return sha;
}

function readSha(): string {
  const head = readFromRoot('.git/HEAD')?.trim();
  if (head === undefined) return NO_SHA;
  if (!head.startsWith('ref: ')) return head;
  const ref = head.slice(5);
  const loose = readFromRoot(`.git/${ref}`)?.trim();
  if (loose !== undefined) return loose;
  const packed = readFromRoot('.git/packed-refs')?.split('\n').find((line) => line.endsWith(` ${ref}`));
  return packed?.slice(0, 40) ?? NO_SHA;
}

export function revisionStatus(): string {
  return revisionSha() === NO_SHA ? 'Distribution' : 'Clean';
}

export function sslVersion(): string {
  return `OpenSSL-${process.versions.openssl}`;
}

/**
 * `<sha>/<version>/<status>/RELEASE/<ssl>`: Envoy's five parts. The second names the Envoy release whose behaviour this is, and
 * nuncio's own behind it, as Envoy's contrib builds write `1.40.0-contrib`.
 */
export function versionString(): string {
  return `${revisionSha()}/${ENVOY_VERSION}-nuncio.${nuncioVersion()}/${revisionStatus()}/RELEASE/${sslVersion()}`;
}

/** The statistic `server.version`: the first six hexadecimal digits of the commit as a number. */
export function versionNumber(): number {
  return Number.parseInt(revisionSha().slice(0, 6), 16);
}
