import { test } from 'node:test';
import assert from 'node:assert/strict';
import { getOption, hasOption } from '@bufbuild/protobuf';
import { api } from '../api/registry.ts';
import { optionOf } from './option.ts';

test('options read as the library reads them, and undefined where they are not set', () => {
  const rules = api().extension('validate.rules');
  const sensitive = api().extension('udpa.annotations.sensitive');
  const seen = { rules: 0, sensitive: 0, none: 0 };
  for (const name of ['envoy.config.cluster.v3.Cluster', 'envoy.config.listener.v3.Listener', 'envoy.config.core.v3.Node', 'envoy.extensions.transport_sockets.tls.v3.TlsCertificate']) {
    for (const field of api().getMessage(name)?.fields ?? []) {
      const expected = hasOption(field, rules) ? getOption(field, rules) : undefined;
      assert.deepEqual(optionOf(field, rules), expected, field.toString());
      seen[expected === undefined ? 'none' : 'rules'] += 1;
      const hidden = hasOption(field, sensitive) ? getOption(field, sensitive) : undefined;
      assert.equal(optionOf(field, sensitive), hidden);
      if (hidden === true) seen.sensitive += 1;
    }
  }
  assert.ok(seen.rules > 10 && seen.none > 10 && seen.sensitive > 0, JSON.stringify(seen));
});
