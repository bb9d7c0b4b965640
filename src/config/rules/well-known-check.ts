import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { ValueCheck } from './value-checks.ts';

const HTTP_HEADER_NAME = 1;
const HTTP_HEADER_VALUE = 2;

/** The expressions of protoc-gen-validate, word for word: they are shown in the error. */
const HEADER_NAME_STRICT = '^:?[0-9a-zA-Z!#$%&\'*+-.^_|~`]+$';
const HEADER_VALUE_STRICT = '^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$';
/** Of names and values alike; the empty name passes. */
const HEADER_LOOSE = '^[^\\x00\\x0A\\x0D]*$';

const UUID = /^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;
const EMAIL = /^[^\s@<>]+@[^\s@<>]+$/;

function matching(pattern: string): ValueCheck {
  const expression = new RegExp(pattern);
  return (value) => (expression.test(value as string) ? undefined : `value does not match regex pattern "${pattern}"`);
}

function isHostname(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length <= 253 && name.split('.').every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

function isUri(text: string, absolute: boolean): boolean {
  if (!URL.canParse(text, absolute ? undefined : 'http://base.invalid/')) return false;
  return !absolute || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

const TESTS = new Map<string, readonly [(text: string) => boolean, string]>([
  ['email', [(text) => EMAIL.test(text), 'value must be a valid email address']],
  ['hostname', [isHostname, 'value must be a valid hostname']],
  ['ip', [(text) => isIP(text) !== 0, 'value must be a valid IP address']],
  ['ipv4', [isIPv4, 'value must be a valid IPv4 address']],
  ['ipv6', [isIPv6, 'value must be a valid IPv6 address']],
  ['uri', [(text) => isUri(text, true), 'value must be a valid absolute URI']],
  ['uriRef', [(text) => isUri(text, false), 'value must be a valid URI reference']],
  ['address', [(text) => isIP(text) !== 0 || isHostname(text), 'value must be a valid hostname, or ip address']],
  ['uuid', [(text) => UUID.test(text), 'value must be a valid UUID']],
]);

/** The check of a string's `well_known` rule, or null when there is none. */
export function wellKnownCheck(rule: string | undefined, value: unknown, strict: boolean): ValueCheck | null {
  if (rule === undefined) return null;
  if (rule === 'wellKnownRegex') {
    if (value === HTTP_HEADER_NAME) return matching(strict ? HEADER_NAME_STRICT : HEADER_LOOSE);
    if (value === HTTP_HEADER_VALUE) return matching(strict ? HEADER_VALUE_STRICT : HEADER_LOOSE);
    return null;
  }
  const test = TESTS.get(rule);
  if (test === undefined || value !== true) return null;
  const [fine, why] = test;
  return (text) => (fine(text as string) ? undefined : why);
}
