import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DescriptorPool } from './descriptor-pool.ts';
import { JsonPrinter } from './json-printer.ts';
import type { JsonPrintOptions } from './json-printer.ts';
import { OK } from './status.ts';
import { concat, ld, library, LIBRARY_BYTES, libraryType, PLAIN_PRINT, vi } from '../../../test/library/library.ts';
import { ResponseToJsonTranslator } from './response-translator.ts';
import type { ResponseTranslateOptions } from './response-translator.ts';

function print(bytes: Buffer, options: Partial<JsonPrintOptions> = {}, type = 'Everything'): string {
  const printer = new JsonPrinter(library(), { ...PLAIN_PRINT, ...options });
  return printer.print(libraryType(type), bytes) ?? printer.status.message;
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const any = (name: string, value: Buffer | null): Buffer => ld(47, concat(ld(1, `type.googleapis.com/${name}`), ...(value === null ? [] : [ld(2, value)])));
const numbers = concat(vi(3, -1), vi(4, -1n), vi(5, 4294967295), vi(6, 18446744073709551615n), vi(7, 1), vi(8, 1), hex('4dffffffff'), hex('51ffffffffffffffff'), hex('5dffffffff'), hex('61ffffffffffffffff'));

/** Messages to JSON (byte strings), or the fault; all as Envoy 1.40 has it. */
const CASES: readonly (readonly [string, Buffer, string])[] = [
  ['nothing', hex(''), '{}'],
  ['order of numbers', concat(ld(14, 'a'), vi(3, 5)), '{"i32":5,"text":"a"}'],
  ['integers', numbers, '{"i32":-1,"i64":"-1","u32":4294967295,"u64":"18446744073709551615","s32":-1,"s64":"-1","fx32":4294967295,"fx64":"18446744073709551615","sfx32":-1,"sfx64":"-1"}'],
  ['exact 64-bit numbers', concat(vi(4, 9007199254740993n), vi(6, 9007199254740991)), '{"i64":"9007199254740993","u64":"9007199254740991"}'],
  ['floats', hex('09000000000000f87f15cdcccc3d'), '{"f64":"NaN","f32":0.1}'],
  ['bool, bytes, enums', concat(vi(13, 1), ld(15, '\xfb\xff'), vi(16, 77), ld(23, '\x01\x02\x63')), '{"flag":true,"blob":"+/8=","color":77,"colorList":["RED","DARK_GREEN",99]}'],
  ['escapes', ld(14, Buffer.from('\u0000\b\f\n\r\t"\\/<>&\u007f\u0085\u00ad\u2028\ufeff\u{1d173}\u{e0001}\u{1f600}é')),
    '{"text":"\\u0000\\b\\f\\n\\r\\t\\"\\\\/\\u003c\\u003e&\\u007f\\u0085\\u00ad\\u2028\\ufeff\\ud834\\udd73\\udb40\\udc01\xf0\x9f\x98\x80\xc3\xa9"}'],
  ['text of the older syntax that is no UTF-8', ld(88, ld(1, 'a\xff\xc3\x28\xe2\x82')), '{"legacy":{"name":"a   "}}'],
  ['a group', ld(88, concat(ld(1, 'n'), hex('330a016134'))), '{"legacy":{"name":"n","box":{"inside":"a"}}}'],
  ['lists, packed and not', concat(ld(21, '\x01\x02'), vi(21, 3), vi(29, 4), vi(29, 5)), '{"i32List":[1,2,3],"unpackedList":[4,5]}'],
  ['maps in their order, keys twice', concat(ld(31, concat(ld(1, 'b'), ld(2, 'x'))), ld(31, concat(ld(1, 'a'), ld(2, 'y'))), ld(31, concat(ld(1, 'b'), ld(2, 'z')))), '{"textMap":{"b":"x","a":"y","b":"z"}}'],
  ['map keys of all kinds', concat(ld(32, concat(vi(1, -1), ld(2, ''))), ld(33, concat(vi(1, 1), vi(2, 5))), ld(34, concat(vi(1, 7), vi(2, 1)))), '{"tagMap":{"-1":{}},"flagMap":{"true":"5"},"colorMap":{"7":"RED"}}'],
  ['entries without key or value, on which Envoy aborts', concat(ld(31, ''), ld(32, ''), ld(33, vi(2, 5)), ld(34, ''), ld(35, ld(1, 'k'))), '{"textMap":{"":""},"tagMap":{"0":{}},"flagMap":{"false":"5"},"colorMap":{"0":"COLOR_UNKNOWN"},"valueMap":{}}'],
  ['times', concat(ld(41, concat(vi(1, 1600000000), vi(2, 120000000))), ld(42, vi(2, -1))), '{"time":"2020-09-13T12:26:40.120Z","duration":"-0.000000001s"}'],
  ['times of other fractions', concat(ld(41, concat(vi(1, -62135596800), vi(2, 1000))), ld(42, concat(vi(1, 3), vi(2, 1)))), '{"time":"0001-01-01T00:00:00.000001Z","duration":"3.000000001s"}'],
  ['a mask', ld(43, concat(ld(1, 'foo_bar.x_1_y_'), ld(1, 'Foo.b__z_A'))), '{"mask":"fooBar.x1Y,Foo.bZ_A"}'],
  ['struct, value, list', concat(ld(44, ld(1, concat(ld(1, 'a'), ld(2, vi(1, 0))))), ld(45, ld(3, 'v')), ld(46, concat(ld(1, vi(4, 1)), ld(1, hex('11000000000000f03f'))))), '{"struct":{"a":null},"value":"v","list":[true,1]}'],
  ['empty values are left out', concat(ld(45, ''), ld(51, ''), ld(51, vi(1, 0)), ld(44, ld(1, concat(ld(1, 'a'), ld(2, ''))))), '{"struct":{},"valueList":[null]}'],
  ['any', any('nuncio.library.Tag', ld(1, 'x')), '{"any":{"@type":"type.googleapis.com/nuncio.library.Tag","label":"x"}}'],
  ['any without a value', any('nuncio.library.Tag', null), '{"any":{"@type":"type.googleapis.com/nuncio.library.Tag"}}'],
  ['any of a well-known type', any('google.protobuf.Timestamp', vi(1, 5)), '{"any":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"1970-01-01T00:00:05Z"}}'],
  ['any of an empty value, on which Envoy aborts', any('google.protobuf.Value', null), '{"any":{"@type":"type.googleapis.com/google.protobuf.Value"}}'],
  ['any of nothing', ld(47, ''), '{"any":{}}'],
  ['wrappers', concat(ld(65, ''), ld(69, ''), ld(63, vi(1, 5)), ld(70, '')), '{"wI64":"5","wI32":0,"wBlob":"","wI32List":[0]}'],
  ['null value', vi(49, 5), '{"nullValue":null}'],
  ['oneof, optional, names', concat(vi(82, 0), vi(84, 0), ld(86, 'o'), ld(87, 's')), '{"choiceNumber":0,"maybeNumber":0,"other-Name":"o","snakeCase2x":"s"}'],
  ['unknown fields', hex('f83f05fa3f0161fb3f0801fc3ff93f0102030405060708fd3f010203041803'), '{"i32":3}'],
  ['a zero tag ends it', hex('1805007201'), '{"i32":5}'],
  ['a limit beyond its parent', ld(17, hex('720a61')), '{"child":{"text":"a"}}'],
  ['a singular field as a packed list', hex('1a0161'), '{"i32":97}'],
  ['no UTF-8', ld(14, '\xff'), 'proto3 strings must be UTF-8'],
  ['a bool that is none', hex('6805'), 'bad value for bool: \\x05'],
  ['a field twice', concat(vi(3, 5), vi(3, 6)), 'repeated entries for singular field number 3'],
  ['cut text', hex('720a61'), 'unexpected EOF'],
  ['a cut unknown field', hex('fa3f0561'), 'malformed length-delimited field'],
  ['the end of a group', hex('0c'), 'attempted to close group 1 before SGROUP tag'],
  ['the end of another group', hex('fb3f0c'), 'attempted to close group 1 while inside group 1023'],
  ['a group for a number', hex('1b1c'), 'field number 3 is not a group'],
  ['no wire type', hex('1e'), 'unknown wire type: 6'],
  ['32 bits for a varint', hex('1d00000000'), 'field type 5 (number 3) does not support 32-bit fields'],
  ['64 bits for a varint', hex('190000000000000000'), 'field type 5 (number 3) does not support type 64-bit fields'],
  ['a varint for text', hex('7001'), 'field type 9 (number 14) does not support varint fields'],
  ['a time too late', ld(41, vi(1, 253402300800)), 'maximum acceptable time value is 9999-12-31T23:59:59Z'],
  ['a time too early', ld(41, vi(1, -62135596801)), 'minimum acceptable time value is 0001-01-01T00:00:00Z'],
  ['nanos out of range', ld(41, vi(2, -1)), 'nanos must be in range [0, +999,999,999]'],
  ['a duration with two signs', ld(42, concat(vi(1, 5), vi(2, -1))), 'nanos and seconds signs do not match'],
  ['a duration too long', ld(42, vi(1, 315576000001)), 'duration out of range'],
  ['a value that JSON has not', ld(45, hex('11000000000000f07f')), 'google.protobuf.Value cannot encode double values for infinity, because it would be parsed as a string'],
  ['any of an unknown type', any('no.Such', hex('')), 'Invalid type URL, unknown type: no.Such'],
  ['any of another host', ld(47, ld(1, 'x/y')), "Invalid type URL, type URLs must be of the form 'type.googleapis.com/<typename>', got: x/y"],
  ['any without a type', ld(47, ld(2, 'x')), 'broken Any: missing type URL'],
];

for (const [name, bytes, expected] of CASES) test(`printed: ${name}`, () => assert.equal(print(bytes), expected));

test('too deep', () => {
  let bytes = hex('');
  for (let i = 0; i < 100; i++) bytes = ld(17, bytes);
  assert.equal(print(bytes).startsWith('{"child":'), true);
  assert.equal(print(ld(17, bytes)), 'allowed depth exceeded');
});

test('every cut of a message is printed or refused', () => {
  const whole = Buffer.concat(CASES.slice(0, 20).map(([, bytes]) => bytes));
  for (let at = 0; at < whole.length; at++) assert.equal(typeof print(whole.subarray(0, at)), 'string');
});

test('options', () => {
  const bytes = concat(vi(16, 2), ld(24, ld(1, 'a')), ld(86, 'o'));
  assert.equal(print(bytes, { alwaysPrintEnumsAsInts: true, preserveProtoFieldNames: true }), '{"color":2,"tag_list":[{"label":"a"}],"renamed":"o"}');
  assert.equal(print(bytes, { addWhitespace: true }), '{\n "color": "DARK_GREEN",\n "tagList": [\n  {\n   "label": "a"\n  }\n ],\n "other-Name": "o"\n}\n');
  assert.equal(print(ld(24, ''), { addWhitespace: true }), '{\n "tagList": [\n  {}\n ]\n}\n');
  assert.equal(print(vi(3, 5), { alwaysPrintFieldsWithNoPresence: true }, 'NameRequest'), 'field type 11 (number 3) does not support varint fields');
  assert.equal(print(hex(''), { alwaysPrintFieldsWithNoPresence: true }, 'NameRequest'), '{"name":"","tags":[],"pageSize":0}');
  assert.equal(print(hex(''), { alwaysPrintFieldsWithNoPresence: true }, 'Book'), '{"id":"0","author":"","title":"","quotes":[]}');
});

const OPTIONS: ResponseTranslateOptions = { print: PLAIN_PRINT, streamNewlineDelimited: false, streamSseStyleDelimited: false };
const frame = (message: Buffer): Buffer => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return concat(header, message);
};

/** The JSON of frames given in pieces, or the fault. */
function translate(pieces: readonly Buffer[], streaming: boolean, options: Partial<ResponseTranslateOptions> = {}): string {
  const translator = new ResponseToJsonTranslator(library(), libraryType('Book'), streaming, { ...OPTIONS, ...options });
  let out = '';
  for (const piece of pieces) {
    const given = Buffer.from(piece);
    translator.write(given);
    out += translator.read();
    // What was given is the caller's again.
    given.fill(0xee);
  }
  translator.end();
  out += translator.read();
  return translator.status === OK ? out : translator.status.message;
}

test('responses: one message, or all of a stream', () => {
  const two = concat(frame(ld(3, 'a')), frame(ld(3, 'b')));
  assert.equal(translate([two], false), '{"title":"a"}');
  assert.equal(translate([two], true), '[{"title":"a"},{"title":"b"}]');
  assert.equal(translate([], true), '[]');
  assert.equal(translate([], false), '');
  assert.equal(translate([two], true, { streamNewlineDelimited: true }), '{"title":"a"}\n{"title":"b"}\n');
  assert.equal(translate([], true, { streamNewlineDelimited: true }), '');
  assert.equal(translate([two], true, { streamSseStyleDelimited: true, streamNewlineDelimited: true }), 'data: {"title":"a"}\n\ndata: {"title":"b"}\n\n');
});

test('responses cut anywhere', () => {
  const bytes = concat(frame(ld(3, 'a'.repeat(20))), frame(hex('')), frame(ld(3, 'b')));
  const whole = translate([bytes], true);
  for (let at = 0; at <= bytes.length; at++) assert.equal(translate([bytes.subarray(0, at), bytes.subarray(at)], true), whole, String(at));
  assert.equal(translate([...bytes].map((each) => Buffer.from([each])), true), whole);
});

test('responses that are broken', () => {
  assert.equal(translate([hex('0100000000')], false), 'Unsupported gRPC frame flag: 1');
  assert.equal(translate([hex('0000')], false), 'Incomplete gRPC frame header received');
  assert.equal(translate([hex('000000000561')], false), 'Incomplete gRPC frame expected size: 5 actual size: 1');
  assert.equal(translate([frame(hex('0c'))], true), 'attempted to close group 1 before SGROUP tag');
});

test('pools: what is no descriptor set, files that do not fit, builtins', () => {
  const refused = (bytes: Buffer, parsed: boolean): void => assert.throws(() => new DescriptorPool(bytes), { parsed });
  refused(Buffer.from('not a descriptor set'), false);
  const file = ld(1, concat(ld(1, 'a.proto'), ld(3, 'b.proto'), ld(12, 'proto3')));
  refused(file, true);
  assert.equal(new DescriptorPool(concat(LIBRARY_BYTES, file), [], true).message('nuncio.library.Tag')?.fullName, 'nuncio.library.Tag');
  const declares = (name: string): Buffer => ld(1, concat(ld(1, name), ld(4, ld(1, 'M')), ld(12, 'proto3')));
  refused(concat(declares('a.proto'), declares('b.proto')), true);
  assert.equal(new DescriptorPool(concat(declares('a.proto'), declares('a.proto'))).message('M')?.fullName, 'M');
  assert.equal(new DescriptorPool(declares('a.proto')).message('google.rpc.Status'), undefined);
  assert.equal(new DescriptorPool(declares('a.proto'), ['google.protobuf.Any', 'google.rpc.Status']).message('google.rpc.Status')?.fields.length, 3);
  assert.equal(library().method('nuncio.library.Library.Echo')?.input.fullName, 'nuncio.library.Everything');
  assert.equal(library().method('nuncio.library.Library.Nope'), undefined);
  assert.equal(library().method('nope'), undefined);
});
