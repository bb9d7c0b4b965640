import { libraryType } from '../../test/library/library.ts';
import type { Rng } from '../http1/generate.ts';

const NUMBERS = [
  '0', '1', '-1', '-0', '127', '2147483647', '2147483648', '-2147483649', '4294967295', '4294967296', '9007199254740993', '9223372036854775808', '18446744073709551616',
  '1.5', '0.1', '1e3', '1e400', '3.4028236e38', '1e-50', '01', '0x10', '1e', '-', '1e15', '1e16', '5e-324',
];
const TEXTS = [
  '', 'a', ' 5', '-5', '1.5', 'NaN', '-Infinity', 'true', 'RED', 'dark-green', '77', 'YQ==', 'YWI', '-_-_', '=', '\u00e9', '<>&"\\/', '\u2028', '\u{1f600}', '\u0000', '2020-01-01T00:00:00Z',
  '2020-02-29T23:59:59.123456789+05:30', '10000-01-01T00:00:00Z', '3s', '-3.000000001s', '315576000001s', 'fooBar.baz,qux', 'a(b,cD)', 'a["k.K"].bC', 'a[', 'GoogleLAB,a__b',
];
const TYPES = ['nuncio.library.Tag', 'google.protobuf.Timestamp', 'google.protobuf.Struct', 'google.protobuf.Any', 'google.protobuf.Int32Value', 'nuncio.library.Everything', 'no.Such'];
const KEYS = ['a', 'b', '5', 'true', 'label', 'value', 'fields', '@type', '__proto__', 'i32', ''];

let names: readonly string[] | undefined;

function name(rng: Rng): string {
  names ??= libraryType('Everything').fields.flatMap((each) => [each.name, each.jsonName]);
  return rng.chance(0.1) ? rng.pick(KEYS) : rng.pick(names);
}

function scalar(rng: Rng): string {
  if (rng.chance(0.4)) return rng.pick(NUMBERS);
  return rng.chance(0.7) ? JSON.stringify(rng.pick(TEXTS)) : rng.pick(['true', 'false', 'null']);
}

function members(rng: Rng, depth: number, key: (rng: Rng) => string): string {
  const out: string[] = [];
  for (let n = rng.below(4); n > 0; n--) out.push(`${JSON.stringify(key(rng))}:${value(rng, depth - 1)}`);
  return out.join(',');
}

function value(rng: Rng, depth: number): string {
  if (depth <= 0 || rng.chance(0.45)) return scalar(rng);
  switch (rng.below(4)) {
    case 0:
      return `[${Array.from({ length: rng.below(4) }, () => value(rng, depth - 1)).join(',')}]`;
    case 1:
      return `{"@type":"type.googleapis.com/${rng.pick(TYPES)}","${rng.pick(['value', 'label', 'i32'])}":${value(rng, depth - 1)}}`;
    case 2:
      return `{${members(rng, depth, (each) => each.pick(KEYS))}}`;
    default:
      return generateJson(rng, depth - 1);
  }
}

/** JSON that is nearly one of the test message with all kinds of fields. */
export function generateJson(rng: Rng, depth: number): string {
  return `{${members(rng, depth, name)}}`;
}
