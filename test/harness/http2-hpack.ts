// HPACK (RFC 7541) for looking at what a proxy sent and for sending exact bytes. No part of nuncio: a judge must not share code
// with the codec that it judges. Names and values are Latin-1 text, one character a byte.

/** One header field. Pseudo-headers are fields like any other. */
export type Field = readonly [name: string, value: string]

/** RFC 7541, appendix A; index 1 is the first. */
const STATIC_TABLE: readonly Field[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`
  .split('\n')
  .map((line) => [line.split(' ')[0] ?? '', line.slice((line.split(' ')[0] ?? '').length + 1)] as const)

// Bits of each symbol's code, RFC 7541, appendix B; the code is canonical, so the lengths say it all. Symbol 256 is the end.
const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]

const DECODE = codes()

/** Symbols by `length:code`. */
function codes(): Map<string, number> {
  const table = new Map<string, number>()
  const symbols = CODE_LENGTHS.map((length, symbol) => ({ length, symbol })).sort((left, right) => left.length - right.length || left.symbol - right.symbol)
  let code = 0
  let length = symbols[0]?.length ?? 0
  for (const one of symbols) {
    code *= 2 ** (one.length - length)
    length = one.length
    table.set(`${length}:${code}`, one.symbol)
    code += 1
  }
  return table
}

function decodeHuffman(bytes: Buffer): string {
  let text = ''
  let code = 0
  let length = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1)
      length += 1
      const symbol = length < 5 ? undefined : DECODE.get(`${length}:${code}`)
      if (symbol === undefined) continue
      if (symbol === 256) throw new Error('HPACK: the end symbol is in the text')
      text += String.fromCharCode(symbol)
      code = 0
      length = 0
    }
  }
  if (length > 7 || code !== 2 ** length - 1) throw new Error('HPACK: wrong padding')
  return text
}

/** An integer with a prefix of so many bits under `pattern` (RFC 7541, 5.1). */
export function encodeInteger(value: number, prefix: number, pattern: number): number[] {
  const limit = 2 ** prefix - 1
  if (value < limit) return [pattern | value]
  const bytes = [pattern | limit]
  let left = value - limit
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  return [...bytes, left]
}

/** Fields as literals without indexing and without Huffman: what is written is what is on the wire. */
export function encodeFields(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    const [key, text] = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]
    parts.push(Buffer.from([0, ...encodeInteger(key.length, 7, 0)]), key, Buffer.from(encodeInteger(text.length, 7, 0)), text)
  }
  return Buffer.concat(parts)
}

/** Decodes the header blocks of one direction of a connection, in order. Throws on what RFC 7541 does not allow. */
export class HpackDecoder {
  private readonly dynamic: Field[] = []
  private size = 0
  private limit = 4_096
  private readonly maximum: number
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0

  /** `maximum`: the table size that we announced. */
  constructor(maximum = 4_096) {
    this.maximum = maximum
  }

  decode(block: Buffer): Field[] {
    this.bytes = block
    this.at = 0
    const fields: Field[] = []
    while (this.at < block.length) {
      const first = block[this.at] ?? 0
      if ((first & 0x80) !== 0) fields.push(this.entry(this.integer(7)))
      else if ((first & 0xc0) === 0x40) fields.push(this.remember(this.literal(6)))
      else if ((first & 0xe0) === 0x20) this.resize(this.integer(5), fields.length)
      else fields.push(this.literal(4))
    }
    return fields
  }

  private entry(index: number): Field {
    const field = index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.dynamic[index - STATIC_TABLE.length - 1]
    if (field === undefined) throw new Error(`HPACK: no entry ${index}`)
    return field
  }

  private literal(prefix: number): Field {
    const index = this.integer(prefix)
    const name = index === 0 ? this.text() : this.entry(index)[0]
    return [name, this.text()]
  }

  private remember(field: Field): Field {
    this.dynamic.unshift(field)
    this.size += field[0].length + field[1].length + 32
    this.evict()
    return field
  }

  private resize(size: number, fieldsBefore: number): void {
    if (size > this.maximum || fieldsBefore > 0) throw new Error('HPACK: a table size update that may not be here')
    this.limit = size
    this.evict()
  }

  private evict(): void {
    while (this.size > this.limit) {
      const last = this.dynamic.pop()
      if (last === undefined) break
      this.size -= last[0].length + last[1].length + 32
    }
  }

  private integer(prefix: number): number {
    const limit = 2 ** prefix - 1
    let value = this.byte() & limit
    if (value < limit) return value
    for (let factor = 1; ; factor *= 128) {
      const next = this.byte()
      value += (next & 127) * factor
      if (next < 128) return value
      if (factor > 2 ** 28) throw new Error('HPACK: an integer is too long')
    }
  }

  private text(): string {
    const huffman = ((this.bytes[this.at] ?? 0) & 0x80) !== 0
    const length = this.integer(7)
    if (this.at + length > this.bytes.length) throw new Error('HPACK: the block ends within a text')
    const piece = this.bytes.subarray(this.at, (this.at += length))
    return huffman ? decodeHuffman(piece) : piece.toString('latin1')
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Error('HPACK: the block ends within a number')
    return byte
  }
}
