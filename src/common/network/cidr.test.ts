import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CidrSet, maskAddress } from './cidr.ts';

test('addresses in networks', () => {
  const set = new CidrSet();
  set.add('10.1.0.0', 16);
  set.add('192.168.1.7', 32);
  set.add('2001:db8::', 32);
  set.add('::ffff:1.2.3.4', 128);
  for (const ip of ['10.1.255.255', '192.168.1.7', '2001:db8:ffff::1', '::ffff:1.2.3.4']) assert.ok(set.has(ip), ip);
  for (const ip of ['10.2.0.0', '192.168.1.8', '2001:db9::', '1.2.3.4', 'x', '']) assert.ok(!set.has(ip), ip);
  const all = new CidrSet();
  all.add('0.0.0.0', 0);
  assert.ok(all.has('255.255.255.255'));
  assert.ok(!all.has('::1'));
  assert.throws(() => all.add('foo', 8), /malformed IP address: foo/);
});

test('masks', () => {
  assert.equal(maskAddress('10.1.2.3', 24), '10.1.2.0/24');
  assert.equal(maskAddress('10.1.2.3', 99), '10.1.2.3/32');
  assert.equal(maskAddress('2001:db8:1:2:3::9', 48), '2001:db8:1::/48');
  assert.equal(maskAddress('/var/pipe', 8), '/var/pipe');
});
