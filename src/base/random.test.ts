import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom, SystemRandom, formatUuidV4 } from './random.ts';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('16 bytes become a UUID with version and variant in their places (RFC 9562 section 5.4)', () => {
  const bytes = Uint8Array.from({ length: 17 }, (_, i) => (i === 0 ? 0xee : 0xff));
  assert.equal(formatUuidV4(bytes, 1), 'ffffffff-ffff-4fff-bfff-ffffffffffff');
  assert.equal(formatUuidV4(new Uint8Array(16), 0), '00000000-0000-4000-8000-000000000000');
});

for (const random of [new SystemRandom(), new SeededRandom(1)]) {
  test(`${random.constructor.name}: every kind of number keeps its bounds, over many refills of the block`, () => {
    const seen = new Set<string>();
    for (let i = 0; i < 3_000; i++) {
      const word = random.uint32();
      assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
      const float = random.float();
      assert.ok(float >= 0 && float < 1);
      const below = random.below(7);
      assert.ok(Number.isInteger(below) && below >= 0 && below < 7);
      const uuid = random.uuid();
      assert.match(uuid, UUID_V4);
      seen.add(uuid);
    }
    assert.equal(seen.size, 3_000);
  });
}

test('a seed gives its sequence again, another seed another one; a die is fair', () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 10 }, () => random.uint32());
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
  const random = new SeededRandom(9);
  const faces = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) faces[random.below(6)]++;
  const chiSquare = faces.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  // 5 degrees of freedom: above 20.5 once in a thousand.
  assert.ok(chiSquare < 20.5, `chi-square ${chiSquare}`);
});

test('a UUID has the bytes in order, but for version and variant', () => {
  const bytes = Uint8Array.of(9, 9, 0x00, 0x11, 0x2a, 0x33, 0x4f, 0x55, 0xf6, 0x77, 0xff, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xf0);
  assert.equal(formatUuidV4(bytes, 2), '00112a33-4f55-4677-bf99-aabbccddeef0');
  // The next one leaves it alone.
  const first = formatUuidV4(bytes, 2);
  assert.equal(formatUuidV4(bytes.map((byte) => byte ^ 0xff), 2), 'ffeed5cc-b0aa-4988-8066-55443322110f');
  assert.equal(first, '00112a33-4f55-4677-bf99-aabbccddeef0');
});
