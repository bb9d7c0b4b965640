import type { CodecConnection } from '../../contract/codec.ts';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_HEADER_SIZE,
  FRAME_HEADERS,
  writeFrameHeader,
  writeUint32,
} from './frame.ts';
import type { HpackEncoder } from './hpack/index.ts';
import { OutBuffer } from './hpack/index.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { BULK } from './send-buffer.ts';
import type { SendBuffer } from './send-buffer.ts';

const SLAB_SIZE = 65_536;
/** With less room than this a flush begins in new memory. */
const ENOUGH_ROOM = 4_096;

/** Memory that the thread's connections fill one after the other. It is never written twice: who was given a part of it may keep it. */
const slab = new OutBuffer(SLAB_SIZE);

/** Where the part that the connection does not have yet begins. */
let segmentStart = 0;

/** Begins a flush of one connection; flushes do not nest. */
export function beginOutput(): void {
  if (slab.bytes.length - slab.position < ENOUGH_ROOM || slab.bytes.length > SLAB_SIZE) newSlab(SLAB_SIZE);
  segmentStart = slab.position;
}

function newSlab(size: number): void {
  slab.bytes = Buffer.allocUnsafeSlow(size);
  slab.position = 0;
}

/** Hands what was written on. */
export function endOutput(connection: CodecConnection): void {
  const end = slab.position;
  if (end === segmentStart) return;
  const segment = slab.bytes.subarray(segmentStart, end);
  segmentStart = end;
  connection.write(segment);
}

function room(connection: CodecConnection, bytes: number): void {
  if (slab.bytes.length - slab.position >= bytes) return;
  endOutput(connection);
  newSlab(Math.max(SLAB_SIZE, bytes));
  segmentStart = 0;
}

/** A frame with an empty payload or one of 32-bit numbers. */
export function writeSmallFrame(connection: CodecConnection, type: number, flags: number, streamId: number, words: readonly number[]): void {
  const length = words.length * 4;
  room(connection, FRAME_HEADER_SIZE + length);
  writeFrameHeader(slab.bytes, slab.position, length, type, flags, streamId);
  slab.position += FRAME_HEADER_SIZE;
  for (let i = 0; i < words.length; i++) {
    writeUint32(slab.bytes, slab.position, words[i]);
    slab.position += 4;
  }
}

/** A frame of one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
export function writeWordFrame(connection: CodecConnection, type: number, streamId: number, word: number): void {
  room(connection, FRAME_HEADER_SIZE + 4);
  const at = slab.position;
  writeFrameHeader(slab.bytes, at, 4, type, 0, streamId);
  writeUint32(slab.bytes, at + FRAME_HEADER_SIZE, word);
  slab.position = at + FRAME_HEADER_SIZE + 4;
}

/** Bytes as they are: the preface, complete frames. */
export function writeRaw(connection: CodecConnection, bytes: Uint8Array): void {
  room(connection, bytes.length);
  slab.bytes.set(bytes, slab.position);
  slab.position += bytes.length;
}

export function writeFrame(connection: CodecConnection, type: number, flags: number, streamId: number, payload: Uint8Array): void {
  room(connection, FRAME_HEADER_SIZE + payload.length);
  writeFrameHeader(slab.bytes, slab.position, payload.length, type, flags, streamId);
  slab.position += FRAME_HEADER_SIZE;
  slab.bytes.set(payload, slab.position);
  slab.position += payload.length;
}

/**
 * A header block as HEADERS and, where it is longer than a frame, CONTINUATION frames. Returns the bytes of all of them; `framesOf` says how
 * many there are.
 */
export function writeHeaders(
  connection: CodecConnection,
  encoder: HpackEncoder,
  streamId: number,
  headers: HeaderMap,
  endStream: boolean,
  maxFrameSize: number,
): number {
  room(connection, ENOUGH_ROOM >> 1);
  const start = slab.position;
  slab.position += FRAME_HEADER_SIZE;
  encodeFields(encoder, headers);
  const length = slab.position - start - FRAME_HEADER_SIZE;
  const flags = endStream ? FLAG_END_STREAM : 0;
  if (length <= maxFrameSize) {
    writeFrameHeader(slab.bytes, start, length, FRAME_HEADERS, flags | FLAG_END_HEADERS, streamId);
    return length + FRAME_HEADER_SIZE;
  }
  return splitBlock(start, length, flags, streamId, maxFrameSize);
}

/** Frames that a block of so many bytes in all takes. */
export function framesOf(bytes: number, maxFrameSize: number): number {
  return bytes <= maxFrameSize + FRAME_HEADER_SIZE ? 1 : Math.ceil(bytes / (maxFrameSize + FRAME_HEADER_SIZE));
}

/** Pseudo-headers come first (RFC 9113 section 8.3), wherever a filter has put them; what belongs to an HTTP/1 connection stays away. */
function encodeFields(encoder: HpackEncoder, headers: HeaderMap): void {
  const size = headers.size;
  let leading = 0;
  while (leading < size && headers.nameAt(leading).charCodeAt(0) === COLON) {
    encoder.encode(headers.nameAt(leading), headers.valueAt(leading), slab);
    leading++;
  }
  for (let i = leading + 1; i < size; i++) {
    if (headers.nameAt(i).charCodeAt(0) === COLON) encoder.encode(headers.nameAt(i), headers.valueAt(i), slab);
  }
  for (let i = leading; i < size; i++) {
    const name = headers.nameAt(i);
    if (isSendable(name)) encoder.encode(name, headers.valueAt(i), slab);
  }
}

const COLON = 0x3a;

/** Not a pseudo-header, and not one of the connection's own (RFC 9113 section 8.2.2). */
function isSendable(name: string): boolean {
  switch (name.charCodeAt(0)) {
    case COLON:
      return false;
    case 0x63:
      return name !== 'connection';
    case 0x6b:
      return name !== 'keep-alive';
    case 0x70:
      return name !== 'proxy-connection';
    case 0x74:
      return name !== 'transfer-encoding';
    case 0x75:
      return name !== 'upgrade';
    default:
      return true;
  }
}

/** Puts frame headers into a long block. Returns the bytes of all frames. */
function splitBlock(start: number, length: number, flags: number, streamId: number, maxFrameSize: number): number {
  const block = Buffer.from(slab.bytes.subarray(start + FRAME_HEADER_SIZE, start + FRAME_HEADER_SIZE + length));
  const frames = Math.ceil(length / maxFrameSize);
  slab.ensure(frames * FRAME_HEADER_SIZE);
  let at = start;
  for (let i = 0; i < frames; i++) {
    const from = i * maxFrameSize;
    const take = Math.min(maxFrameSize, length - from);
    const last = i === frames - 1 ? FLAG_END_HEADERS : 0;
    writeFrameHeader(slab.bytes, at, take, i === 0 ? FRAME_HEADERS : FRAME_CONTINUATION, (i === 0 ? flags : 0) | last, streamId);
    at += FRAME_HEADER_SIZE;
    slab.bytes.set(block.subarray(from, from + take), at);
    at += take;
  }
  slab.position = at;
  return at - start;
}

/** One DATA frame with the next `length` bytes of `source`. Returns the bytes that were handed on without a copy. */
export function writeData(connection: CodecConnection, streamId: number, source: SendBuffer, length: number, endStream: boolean): void {
  room(connection, FRAME_HEADER_SIZE + Math.min(length, BULK));
  writeFrameHeader(slab.bytes, slab.position, length, FRAME_DATA, endStream ? FLAG_END_STREAM : 0, streamId);
  slab.position += FRAME_HEADER_SIZE;
  let left = length;
  while (left > 0) {
    const piece = source.shiftData(left);
    left -= piece.length;
    if (piece.length >= BULK) {
      endOutput(connection);
      connection.write(piece);
      segmentStart = slab.position;
      continue;
    }
    room(connection, piece.length);
    slab.bytes.set(piece, slab.position);
    slab.position += piece.length;
  }
}
