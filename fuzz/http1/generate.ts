/** Inputs for the HTTP/1 fuzzers: messages by a grammar that likes odd corners, then mutated. Seeded: a run can be repeated. */

/** Small and fast generator of numbers (mulberry32). */
export class Rng {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'FOO', 'get', 'PRI', ''];
const TARGETS = ['/', '/', '/a', '/a?b=c#d', '*', 'http://h/', 'http://h', 'https://u@h:80/x?y', 'h:80', '[::1]:80', 'http://[::1]/', '/\xe9', '//', '?', 'a', ''];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1x', 'HTTP/11', ''];
const STATUSES = ['200 OK', '200 OK', '200 OK', '204 No', '304 Not', '100 Continue', '103 Early', '101 Sw', '404', '500 ', '99 x', '1000 x', '2x0 y', '+200 OK', '302 \xe9'];
const NAMES = ['Host', 'host', 'X-A', 'x-b', 'Accept', 'Cookie', 'User-Agent', 'Connection', 'Upgrade', 'Expect', 'TE', 'a_b', '__proto__', 'Set-Cookie', 'Date', 'Server', 'Foo', 'X\xe9', 'a b', ''];
const VALUES = ['a', 'b, c', '', '  x ', '\tt', 'close', 'keep-alive', 'Upgrade', 'websocket', 'h2c', 'x-forwarded-for', '100-continue', 'trailers', 'a\x00b', 'a\rb', 'a\x7fb', 'a\xffb', 'a\r\n b', 'host', 'a,a,a,a,a,a,a,a,a,a,a'];
const LENGTHS = ['0', '1', '3', '5', '5', '5', '003', '+3', '-1', '0x5', '5, 5', '5 5', '', '18446744073709551615', '18446744073709551616', '99999999999999999999', '5\r6', '1e1'];
const ENCODINGS = ['chunked', 'chunked', 'chunked', 'Chunked', 'identity', 'gzip, chunked', 'chunked, chunked', 'xchunked', ' chunked\t', 'chunked,', '', 'chun\rked', '\x0bchunked', '\r\n chunked'];
const ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', ' \r\n', '\n\r'];
const SIZES = ['5', '5', '5', '5', '05', '5 ', '5\t', '5;a=b', '5;a="\n"', '5 x', '0x5', '+5', ' 5', '5_', '-5', 'fffffffffffffffff', 'A', ''];

function lineEnd(rng: Rng, odd: number): string {
  return rng.chance(odd) ? rng.pick(ENDS) : '\r\n';
}

function field(rng: Rng, odd: number): string {
  const name = rng.pick(NAMES);
  const colon = rng.chance(odd) ? rng.pick([' :', ':', '', ': :']) : ': ';
  return name + colon + rng.pick(VALUES) + lineEnd(rng, odd);
}

function chunked(rng: Rng, odd: number): string {
  let out = '';
  for (let n = rng.below(4); n > 0; n--) {
    const size = rng.chance(odd) ? rng.pick(SIZES) : '5';
    out += size + lineEnd(rng, odd) + 'hello' + (rng.chance(odd) ? rng.pick(['XX', '', 'X']) : '') + lineEnd(rng, odd);
  }
  out += (rng.chance(odd) ? rng.pick(['0', '00', '0;x', '', '0 ']) : '0') + lineEnd(rng, odd);
  for (let n = rng.chance(0.2) ? rng.below(3) : 0; n > 0; n--) out += field(rng, odd);
  return out + lineEnd(rng, odd);
}

/** Fields, the empty line and a body that may or may not fit them. */
function rest(rng: Rng, odd: number): string {
  let out = '';
  for (let n = rng.below(5); n > 0; n--) out += field(rng, odd);
  const framing = rng.below(6);
  if (framing === 0 || framing === 5) out += 'Content-Length: ' + (rng.chance(odd) ? rng.pick(LENGTHS) : '5') + lineEnd(rng, odd);
  if (framing === 1 || framing === 2 || (framing === 5 && rng.chance(0.3))) {
    out += 'Transfer-Encoding: ' + (rng.chance(odd) ? rng.pick(ENCODINGS) : 'chunked') + lineEnd(rng, odd);
  }
  if (rng.chance(odd * 0.3)) out += 'Content-Length: ' + rng.pick(LENGTHS) + lineEnd(rng, odd);
  for (let n = rng.below(2); n > 0; n--) out += field(rng, odd);
  out += lineEnd(rng, odd);
  if (framing === 0) out += 'hello';
  else if (framing === 1 || framing === 2 || framing === 5) out += chunked(rng, odd);
  return out;
}

/** One to three requests in a row. */
export function generateRequests(rng: Rng): string {
  const odd = rng.pick([0, 0.02, 0.1, 0.3]);
  let out = rng.chance(0.05) ? '\r\n' : '';
  for (let n = 1 + rng.below(3); n > 0; n--) {
    const space = (): string => (rng.chance(odd) ? rng.pick(['  ', '\t', '\r', ' \x00', '']) : ' ');
    const method = rng.chance(odd) ? rng.pick(METHODS) : rng.pick(['GET', 'POST', 'PUT', 'HEAD']);
    const target = rng.chance(odd) ? rng.pick(TARGETS) : '/p' + String(n);
    const version = rng.chance(odd) ? rng.pick(VERSIONS) : 'HTTP/1.1';
    out += method + space() + target + space() + version + lineEnd(rng, odd);
    out += rng.chance(0.9) ? 'Host: h' + lineEnd(rng, odd) : '';
    out += rest(rng, odd);
  }
  return out;
}

/** A response with what may come before and after it. */
export function generateResponses(rng: Rng): string {
  const odd = rng.pick([0, 0.02, 0.1, 0.3]);
  let out = '';
  for (let n = 1 + rng.below(2); n > 0; n--) {
    const version = rng.chance(odd) ? rng.pick(VERSIONS) : 'HTTP/1.1';
    out += version + (rng.chance(odd) ? rng.pick(['  ', '\t', '']) : ' ') + (rng.chance(0.5) ? rng.pick(STATUSES) : '200 OK') + lineEnd(rng, odd);
    out += rest(rng, odd);
  }
  return out;
}

const INTERESTING = ['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '0', '\r\n\r\n', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', '\xff', '\x7f', 'HTTP/1.1', 'f', '-', '+', '"', '\\'];

/** Changes a few places of `input`; sometimes splices `other` in. */
export function mutate(rng: Rng, input: string, other: string): string {
  let out = input;
  for (let n = rng.below(4); n > 0 && out.length > 0; n--) {
    const at = rng.below(out.length);
    switch (rng.below(6)) {
      case 0:
        out = out.slice(0, at) + out.slice(at + 1 + rng.below(4));
        break;
      case 1:
        out = out.slice(0, at) + rng.pick(INTERESTING) + out.slice(at);
        break;
      case 2:
        out = out.slice(0, at) + String.fromCharCode(rng.below(256)) + out.slice(at + 1);
        break;
      case 3:
        out = out.slice(0, at) + out.slice(at, at + 1 + rng.below(20)) + out.slice(at);
        break;
      case 4:
        out = out.slice(0, at) + other.slice(rng.below(other.length + 1));
        break;
      default:
        out = out.slice(0, at) + rng.pick(INTERESTING) + out.slice(at + 1);
    }
  }
  return out.slice(0, 8_000);
}

/** Cuts bytes into pieces at random places. */
export function cut(rng: Rng, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const mean = rng.pick([1, 3, 10, 50]);
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + rng.below(mean * 2);
    // A copy each: a codec that keeps a view of its input would be found out by what `run` does to it afterwards.
    pieces.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return pieces;
}
