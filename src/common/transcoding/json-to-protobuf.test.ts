import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonRequestTranslator } from './json-request-translator.ts';
import { resolveFieldPath } from './field-path.ts';
import type { FieldBinding } from './request-weaver.ts';
import { OK } from './status.ts';
import { library, libraryType } from '../../../test/library/library.ts';

interface Setup {
  readonly type?: string;
  readonly body?: string;
  readonly bindings?: readonly (readonly [string, string])[];
  readonly strict?: boolean;
  readonly anyCase?: boolean;
  readonly streaming?: boolean;
}

/** Frames in hexadecimal without their headers, or the fault. */
function translate(pieces: readonly string[], setup: Setup = {}): string {
  const type = libraryType(setup.type ?? 'Everything');
  const bindings = (setup.bindings ?? []).map(([path, value]): FieldBinding => {
    const fields = resolveFieldPath(type, path.split('.'));
    if ('code' in fields) throw new Error(fields.message);
    return { path: fields, value };
  });
  const info = {
    type, bodyFieldPath: setup.body ?? '*', bindings, rejectBindingBodyFieldCollisions: setup.strict ?? false,
    caseInsensitiveEnumParsing: setup.anyCase ?? false,
  };
  const translator = new JsonRequestTranslator(library(), info, setup.streaming ?? false);
  const frames: Buffer[] = [];
  for (const piece of pieces) {
    translator.write(Buffer.from(piece, 'latin1'));
    frames.push(...translator.read());
  }
  translator.end();
  frames.push(...translator.read());
  if (translator.status !== OK) return translator.status.message;
  return frames.map((each) => each.subarray(5).toString('hex')).join(' ');
}

/** JSON (byte string) to the message in hexadecimal, or the fault; all as Envoy 1.40 has it. */
const CASES: readonly (readonly [string, string])[] = [
  ['{}', ''],
  [' { } ', ''],
  ['{"i32": 5, "text": "a"}', '1805720161'],
  ['{"i32": -5}', '18fbffffffffffffffff01'],
  ['{"s32": -5, "s64": "-3", "fx32": 1, "sfx64": -1}', '380940054d0100000061ffffffffffffffff'],
  ['{"i64": "9007199254740993", "u64": 18446744073709551615}', '208180808080808010' + '30ffffffffffffffffff01'],
  ['{"f64": 1.5, "f32": "NaN"}', '09000000000000f83f150000c07f'],
  ['{"flag": "yes", "blob": "-_8=", "color": "DARK_GREEN"}', '68017a02fbff800102'],
  ['{"i32": 1e3, "i64": 2.0}', '18e8072002'],
  ['{"child": {"i32": 1, "child": {"flag": true}}}', '8a010718018a01026801'],
  ['{"i32_list": [1, 2], "text_list": "a"}', 'a80101a80102b2010161'],
  ['{"text_map": {"k": "v"}, "tag_map": {"1": {"label": "a"}}}', 'fa01060a016b12017682020708011203' + '0a0161'],
  ['{"time": "2020-01-01T00:00:00.5+05:30", "duration": "-1.5s"}', 'ca020c08a8a7aef00510' + '80cab5ee01' + 'd2021608ffffffffffffffffff0110' + '80b6ca91feffffffff01'],
  ['{"mask": "fooBar.baz,a(bC,d)"}', 'da02190a0b666f6f5f6261722e62617a0a05612e625f630a03612e64'],
  ['{"value": null, "null_value": null}', 'ea02020800' + '880300'],
  ['{"w_i32": 0, "w_text": ""}', '8a04020800' + 'a204020a00'],
  ['{"any": {"label": "x", "@type": "type.googleapis.com/nuncio.library.Tag"}}', 'fa022d0a26747970652e676f6f676c65617069732e636f6d2f6e756e63696f2e6c6962726172792e54616712030a0178'],
  ['{"other-Name": "a", "renamed": "b", "snakeCase2x": "c"}', 'b20501' + '61' + 'b20501' + '62' + 'ba050163'],
  ['{"nope": {"a": [1]}, "i32": 3}', '1803'],
  ['{"legacy": {"name": "n", "box": {"inside": "i"}}}', 'c205070a016e330a0169'],
  ["{'i32': 4, text: 'a\\'b', }", '1804720361' + '2762'],
  ['{"text": "\\ud83d\\ude00\\n\\q"}', '7206f09f98800a71'],
  ['{"i32": null, "child": null, "w_i32": null}', ''],
  ['', ''],
  ['{"i32": "x"}', 'i32: invalid value "x" for type TYPE_INT32'],
  ['{"i32": 2147483648}', 'i32: invalid value 2147483648 for type TYPE_INT32'],
  ['{"child": {"tag_list": [{}, {"label": 5}]}}', 'child.tag_list[1].label: invalid value 5 for type TYPE_STRING'],
  ['{"color": "PINK"}', 'color: invalid value "PINK" for type type.googleapis.com/nuncio.library.Color'],
  ['{"child": 4}', 'child: invalid value 4 for type type.googleapis.com/nuncio.library.Everything'],
  ['{"i32": {"a": 1}}', ': invalid value Starting an object on a scalar field for type i32'],
  ['{"i32": [1]}', ': Proto field is not repeating, cannot start list.'],
  ['{"text_map": []}', ": invalid value Cannot bind a list to map for field 'text_map'. for type Map"],
  ['{"text_map": {"a": "1", "a": "2"}}', "text_map[0]: Repeated map key: 'a' is already set."],
  ['{"choice_text": "a", "choice_number": 2}', ": invalid value oneof field 'choice' is already set. Cannot set 'choice_number' for type oneof"],
  ['{"maybe_number": 1, "maybe_number": 2}', ": invalid value oneof field '_maybe_number' is already set. Cannot set 'maybe_number' for type oneof"],
  ['{"time": "2020-02-30T00:00:00Z"}', "time: invalid value Field 'time', Invalid time format: Out-of-range field for type type.googleapis.com/google.protobuf.Timestamp"],
  ['{"time": "x"}', "time: invalid value Field 'time', Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset. for type type.googleapis.com/google.protobuf.Timestamp"],
  ['{"duration": 3}', "duration: invalid value Field 'duration', Invalid data type for duration, value is 3 for type type.googleapis.com/google.protobuf.Duration"],
  ['{"any": {"@type": "type.googleapis.com/no.Such"}}', 'any: invalid value Invalid type URL, unknown type: no.Such for type Any'],
  ['{"any": {"label": "x"}}', 'any: invalid value Missing @type for any field in nuncio.library.Everything for type Any'],
  ['{"legacy": {"number": 1}}', 'legacy: missing field name'],
  ['[1]', ': Root element must be a message.'],
  ['5 ', ': Root element must be a message.'],
  ['{"i32": }', 'Unexpected token.\n}\n^'],
  ['{"i32": 4', 'Unexpected end of string. Expected , or } after key:value pair.\n4\n ^'],
  ['{"text": "a', 'Closing quote expected in string.\n\n^'],
  ['{"i32": 4} {}', 'Parsing terminated before end of input.\n{"i32": 4} {}\n           ^'],
  ['{"i32" 4}', 'Expected : between key:value pair.\n{"i32" 4}\n       ^'],
  ['{"i32": 012}', 'Octal/hex numbers are not valid JSON values.\n{"i32": 012}\n        ^'],
  ['{"i32": 1-2}', 'Unable to parse number.\n{"i32": 1-2}\n        ^'],
  ['{"f64": 1e400}', 'Number exceeds the range of double.\n{"f64": 1e400}\n        ^'],
  ['{"text": "\\ud83d"}', 'Missing low surrogate.\n\\ud83d"}\n^'],
  ['{"text": "\\udc00"}', 'Invalid unicode code point.\n{"text": "\\udc00"}\n          ^'],
  ['{"text": "\xff"}', 'Encountered non UTF-8 code points.\n\xff"}\n^'],
  [`${'{"child":'.repeat(101)}{}`, "Message too deep. Max recursion depth reached for key 'child'"],
  ['[', ': Root element must be a message.'],
];

test('bodies and faults', () => {
  for (const [json, expected] of CASES) assert.equal(translate([json]), expected, json);
});

test('a body in pieces of one byte gives the same message', () => {
  for (const [json, expected] of CASES) if (/^[0-9a-f]*$/.test(expected)) assert.equal(translate([...json]), expected, json);
});

test('wherever a body is cut, a fault stays a fault', () => {
  for (const [json, expected] of CASES) {
    // What comes in a piece of its own after the end of the message is not looked at.
    if (/^[0-9a-f]*$/.test(expected) || json.length > 100 || expected.startsWith('Parsing terminated')) continue;
    for (let at = 1; at < json.length; at++) assert.doesNotMatch(translate([json.slice(0, at), json.slice(at)]), /^[0-9a-f]*$/, `${json} at ${at}`);
  }
});

test('enums in any case', () => {
  assert.equal(translate(['{"color": "dark-green"}'], { anyCase: true }), '800102');
});

test('the body is a field, the path binds others', () => {
  const holder = { type: 'EverythingHolder', body: 'everything' };
  assert.equal(translate(['{"i32": 4}'], { ...holder, bindings: [['note', 'n'], ['everything.text', 't']] }), '0a05180472017412016e');
  assert.equal(translate([], { ...holder, body: '', bindings: [['everything.child.i32', '7']] }), '0a058a01021807');
  assert.equal(translate(['"a"'], { type: 'NameRequest', body: 'name' }), '0a0161');
  assert.equal(translate(['{"i32": 4}'], { ...holder, body: 'everything.child' }), '0a058a01021804');
});

test('the body has the field, too', () => {
  const bound = { bindings: [['i32', '7'], ['text_list', 'x']] } as const;
  assert.equal(translate(['{"i32": 8, "text_list": ["y"]}'], bound), '1808b2010179b2010178');
  assert.equal(translate(['{"i32": 7}'], { ...bound, strict: true }), '1807b2010178');
  assert.equal(translate(['{"i32": 8}'], { ...bound, strict: true }), 'The binding value "7" of the field i32 is conflicting with the value 8 in the body.');
  assert.equal(translate(['{"flag": true}'], { bindings: [['flag', 'x']], strict: true }), 'Failed to convert binding value flag:"x" to bool');
  assert.equal(translate(['{"f64": 1.0}'], { bindings: [['f64', '1.0000001']], strict: true }), '09000000000000f03f');
});

test('streams: an element a message, bindings to the first', () => {
  const chat = { type: 'Book', streaming: true, bindings: [['author', 'me']] } as const;
  assert.equal(translate(['[{"id": 1}', ', {"id": "2"}, {}]'], chat), '080112026d65 0802 ');
  assert.equal(translate(['[]'], chat), '');
  assert.equal(translate(['{}'], chat), 'Expected an array instead of an object');
  assert.equal(translate([], chat), 'Expected an array instead of an object');
  assert.equal(translate(['5 '], chat), 'Expected an array instead of a scalar value.');
  assert.equal(translate(['[["a", "b"], []]'], { type: 'NameRequest', body: 'tags', streaming: true }), '120161120162 ');
  assert.equal(translate(['["a", "b"]'], { type: 'NameRequest', body: 'tags', streaming: true }), '120161 120162');
  assert.equal(translate(['[{"id": "x"}]'], chat), 'id: invalid value "x" for type TYPE_INT64');
});

test('bytes behind a complete message count, and are not looked at', () => {
  const info = { type: libraryType('Book'), bodyFieldPath: '*', bindings: [], rejectBindingBodyFieldCollisions: false, caseInsensitiveEnumParsing: false };
  const translator = new JsonRequestTranslator(library(), info, false);
  translator.write(Buffer.from('{"id": 1}'));
  assert.equal(translator.unreadBytes, 9);
  translator.write(Buffer.from('garbage'));
  assert.equal(translator.unreadBytes, 16);
  assert.equal(translator.status, OK);
});
