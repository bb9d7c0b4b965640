import type { HeaderMap } from '../contract/header-map.ts';

/**
 * HTTP/1.1 says `GET` with `Upgrade` and is answered 101 (RFC 9110 section 7.8); HTTP/2 and 3 say `CONNECT` with `:protocol` and are answered
 * 200 (RFC 8441). Between the codecs an upgrade has the shape of HTTP/1.1: an HTTP/2 server codec turns requests into it and responses out of
 * it, an HTTP/2 client codec the other way round. Names are Envoy's (Http::Utility).
 *
 * A client codec that sends its headers again on a retry MUST transform a copy, as the map belongs to the stream.
 */

/** Extended CONNECT. `bytestream` is no upgrade but plain CONNECT with another name for it. */
export function isH2UpgradeRequest(headers: HeaderMap): boolean {
  if (headers.get(':method') !== 'CONNECT') return false;
  const protocol = headers.get(':protocol');
  return protocol !== undefined && protocol !== '' && protocol !== 'bytestream';
}

/** Client codec, before it encodes a request for which `isUpgrade` holds. */
export function transformUpgradeRequestFromH1toH2(headers: HeaderMap): void {
  headers.set(':method', 'CONNECT');
  headers.set(':protocol', headers.get('upgrade') ?? '');
  dropUpgradeHeaders(headers);
}

/** Server codec, before it encodes a response for which `isUpgrade` holds. */
export function transformUpgradeResponseFromH1toH2(headers: HeaderMap): void {
  if (headers.get(':status') === '101') headers.set(':status', '200');
  dropUpgradeHeaders(headers);
}

/** Server codec, when it has decoded a request for which `isH2UpgradeRequest` holds. */
export function transformUpgradeRequestFromH2toH1(headers: HeaderMap): void {
  headers.set(':method', 'GET');
  headers.set('upgrade', headers.get(':protocol') ?? '');
  headers.set('connection', 'upgrade');
  headers.remove(':protocol');
}

/** Client codec, when it has decoded the final response to a request that was an upgrade to `upgrade`. Only 200 accepts it. */
export function transformUpgradeResponseFromH2toH1(headers: HeaderMap, upgrade: string): void {
  if (headers.get(':status') !== '200') return;
  headers.set('upgrade', upgrade);
  headers.set('connection', 'upgrade');
  headers.set(':status', '101');
}

/** `content-length: 0` says nothing in HTTP/1 upgrades, and would end the tunnel in HTTP/2. */
function dropUpgradeHeaders(headers: HeaderMap): void {
  headers.remove('upgrade');
  headers.remove('connection');
  if (headers.get('content-length') === '0') headers.remove('content-length');
}
