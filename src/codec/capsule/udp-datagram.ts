import { CAPSULE_DATAGRAM } from './capsule-parser.ts';
import { readVarint, varintEnd, varintLength, varintValue, writeVarint } from './varint.ts';

/** Context of UDP packets (RFC 9298 section 4). */
const CONTEXT_UDP = 0;

/** The UDP packet in a datagram's payload; null for a context that nobody knows (to be dropped), undefined when it is malformed. */
export function udpPayload(datagram: Buffer): Buffer | null | undefined {
  if (!readVarint(datagram, 0)) return undefined;
  return varintValue === CONTEXT_UDP ? datagram.subarray(varintEnd) : null;
}

/** A UDP packet as a DATAGRAM capsule. */
export function udpCapsule(packet: Uint8Array): Buffer {
  const length = 1 + packet.length;
  const capsule = Buffer.allocUnsafe(1 + varintLength(length) + length);
  const at = writeVarint(capsule, length, writeVarint(capsule, CAPSULE_DATAGRAM, 0));
  capsule[at] = CONTEXT_UDP;
  capsule.set(packet, at + 1);
  return capsule;
}
