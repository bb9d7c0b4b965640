/** How a connection of HTTP/2 with prior knowledge begins (RFC 9113 section 3.4); Envoy looks at no more of it. */
const PREFACE = Buffer.from('PRI * HTTP/2', 'latin1');

/** Whether `data` begins as HTTP/2 does. */
export function startsAsHttp2(data: Buffer): boolean {
  return data.length >= PREFACE.length && data.compare(PREFACE, 0, PREFACE.length, 0, PREFACE.length) === 0;
}

/** Whether `data` is too short to tell: more bytes may make it HTTP/2. Envoy takes such a beginning for HTTP/1. */
export function mayBecomeHttp2(data: Buffer): boolean {
  return data.length < PREFACE.length && data.compare(PREFACE, 0, data.length) === 0;
}
