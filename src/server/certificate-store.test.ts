import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateInfo } from '../contract/network.ts';
import { FakeScope } from '../common/testing/fake-context.ts';
import { CertificateStore } from './certificate-store.ts';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;

function until(time: number): { statName: string; path: string; info: CertificateInfo } {
  return { statName: `c${time}`, path: 'p', info: { validTo: time } as CertificateInfo };
}

test('the first of all to expire counts, in whole days', () => {
  const store = new CertificateStore(new FakeScope());
  assert.equal(store.daysUntilFirstExpiry(NOW), 4_294_967_295);
  store.onTlsContext({ statsPrefix: 'cluster.a.', ca: { statName: 'none', path: '<inline>', info: null }, chain: [] });
  assert.equal(store.daysUntilFirstExpiry(NOW), 4_294_967_295);
  store.onTlsContext({ statsPrefix: 'listener.b.', ca: until(NOW + 9.9 * DAY), chain: [until(NOW + 20 * DAY)] });
  assert.equal(store.daysUntilFirstExpiry(NOW), 9);
  assert.equal(store.daysUntilFirstExpiry(NOW + 9 * DAY), 0);
  assert.equal(store.daysUntilFirstExpiry(NOW + 100 * DAY), 0);
});
