import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import { connectUdpTarget, isConnectUdp } from './connect.ts';

describe('CONNECT-UDP', () => {
  it('is an upgrade in any case', () => {
    assert.equal(isConnectUdp(HeaderMap.of(['upgrade', 'Connect-UDP'])), true);
    assert.equal(isConnectUdp(HeaderMap.of(['upgrade', 'connect-udp2'])), false);
    assert.equal(isConnectUdp(HeaderMap.of([':method', 'CONNECT'])), false);
  });

  const targets: readonly [string, string | null][] = [
    ['/.well-known/masque/udp/example.com/443/', 'example.com:443'],
    ['/.well-known/masque/udp/1.2.3.4/53/', '1.2.3.4:53'],
    ['/.well-known/masque/udp/2001%3adb8%3A%3A42/443/', '[2001:db8::42]:443'],
    ['/.well-known/masque/udp/::1/443/', '[::1]:443'],
    ['/.well-known/masque/udp/fe80::1%25eth0/443/', null],
    ['/.well-known/masque/udp/a%zz/443/', null],
    ['/.well-known/masque/udp/example.com/443', null],
    ['/.well-known/masque/udp/example.com/443/x', null],
    ['/.well-known/masque/udp//443/', null],
    ['/.well-known/masque/udp/example.com//', null],
    ['/masque/udp/example.com/443/', null],
    ['/.well-known/masque/udp/exa mple/443/', null],
    ['', null],
  ];
  for (const [path, target] of targets) it(`${path} is ${target ?? 'refused'}`, () => assert.equal(connectUdpTarget(path), target));
});
