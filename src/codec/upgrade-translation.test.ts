import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeaderMap } from '../contract/header-map.ts';
import {
  isH2UpgradeRequest, transformUpgradeRequestFromH1toH2, transformUpgradeRequestFromH2toH1, transformUpgradeResponseFromH1toH2,
  transformUpgradeResponseFromH2toH1,
} from './upgrade-translation.ts';

describe('upgrade translation', () => {
  it('takes an HTTP/1 upgrade to extended CONNECT and back', () => {
    const headers = HeaderMap.of(
      [':method', 'GET'], [':path', '/chat'], [':authority', 'a'], ['connection', 'keep-alive, Upgrade'], ['upgrade', 'WebSocket'],
      ['content-length', '0'], ['sec-websocket-version', '13'],
    );
    transformUpgradeRequestFromH1toH2(headers);
    assert.deepEqual(headers.entries(), [
      [':method', 'CONNECT'], [':path', '/chat'], [':authority', 'a'], ['sec-websocket-version', '13'], [':protocol', 'WebSocket'],
    ]);
    assert.equal(isH2UpgradeRequest(headers), true);
    transformUpgradeRequestFromH2toH1(headers);
    assert.deepEqual(headers.entries(), [
      [':method', 'GET'], [':path', '/chat'], [':authority', 'a'], ['sec-websocket-version', '13'], ['upgrade', 'WebSocket'],
      ['connection', 'upgrade'],
    ]);
  });

  it('keeps a content-length that says something', () => {
    const headers = HeaderMap.of([':method', 'POST'], ['upgrade', 'foo'], ['connection', 'upgrade'], ['content-length', '3']);
    transformUpgradeRequestFromH1toH2(headers);
    assert.equal(headers.get('content-length'), '3');
  });

  it('does not take plain CONNECT and bytestream for upgrades', () => {
    assert.equal(isH2UpgradeRequest(HeaderMap.of([':method', 'CONNECT'])), false);
    assert.equal(isH2UpgradeRequest(HeaderMap.of([':method', 'CONNECT'], [':protocol', ''])), false);
    assert.equal(isH2UpgradeRequest(HeaderMap.of([':method', 'CONNECT'], [':protocol', 'bytestream'])), false);
    assert.equal(isH2UpgradeRequest(HeaderMap.of([':method', 'GET'], [':protocol', 'websocket'])), false);
  });

  it('turns 101 into 200 and only 200 into 101', () => {
    const accepted = HeaderMap.of([':status', '101'], ['connection', 'upgrade'], ['upgrade', 'websocket']);
    transformUpgradeResponseFromH1toH2(accepted);
    assert.deepEqual(accepted.entries(), [[':status', '200']]);
    transformUpgradeResponseFromH2toH1(accepted, 'websocket');
    assert.deepEqual(accepted.entries(), [[':status', '101'], ['upgrade', 'websocket'], ['connection', 'upgrade']]);
    const refused = HeaderMap.of([':status', '204']);
    transformUpgradeResponseFromH2toH1(refused, 'websocket');
    assert.deepEqual(refused.entries(), [[':status', '204']]);
    const failed = HeaderMap.of([':status', '426'], ['upgrade', 'websocket'], ['connection', 'upgrade'], ['content-length', '0']);
    transformUpgradeResponseFromH1toH2(failed);
    assert.deepEqual(failed.entries(), [[':status', '426']]);
  });
});
