import type { Address } from '../../contract/address.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP11, StreamInfo } from '../../contract/stream-info.ts';

export function ipAddress(ip: string, port: number): Address {
  return { kind: 'ip', ip, port, family: ip.includes(':') ? 6 : 4, text: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` };
}

/** The wall clock of test streams: 2026-01-02T03:04:05.678Z. */
export const TEST_WALL = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export function testStreamInfo(): StreamInfo {
  return new StreamInfo(PROTOCOL_HTTP11, TEST_WALL, 1_000, ipAddress('10.0.0.1', 1_234), ipAddress('127.0.0.1', 80));
}

/** Headers of a GET with whatever else is given. */
export function testRequest(path: string, ...more: readonly (readonly [string, string])[]): HeaderMap {
  const own: (readonly [string, string])[] = [
    [':method', 'GET'], [':scheme', 'http'], [':authority', 'example.com'], [':path', path], ['x-forwarded-proto', 'http'],
  ];
  const map = HeaderMap.of(...own.filter(([name]) => !more.some(([other]) => other === name)));
  for (const [name, value] of more) if (value !== '' || !name.startsWith(':')) map.add(name, value);
  return map;
}
