import { toByteString } from '../../../../common/byte-string.ts';
import type { Tlv } from '../../../../codec/proxy-protocol/read-header.ts';
import type { FilterStateObject, StreamInfo } from '../../../../contract/stream-info.ts';
import type { ProxyProtocolSettings, TlvRule } from './config.ts';

const TLV_STATE = 'envoy.network.proxy_protocol.tlv';

/** Values of TLVs by the key of their rule, in filter state (`tlv_location: FILTER_STATE`). */
export class TlvFilterState implements FilterStateObject {
  readonly values: Map<string, string>;

  constructor() {
    this.values = new Map();
  }

  filterStateText(): string {
    return toByteString(JSON.stringify(this.filterStateJson()));
  }

  filterStateJson(): Record<string, string> {
    return Object.fromEntries(this.values);
  }

  filterStateField(name: string): string | null {
    const value = this.values.get(name);
    return value === undefined ? null : toByteString(value);
  }
}

/** Puts what the rules ask for into metadata or filter state. */
export function storeTlvs(tlvs: readonly Tlv[], settings: ProxyProtocolSettings, streamInfo: StreamInfo): void {
  for (const { type, value } of tlvs) {
    const rule = settings.rules.get(type);
    if (rule === undefined) continue;
    const text = textOf(value, rule);
    if (settings.toFilterState) tlvState(streamInfo).values.set(rule.key, text);
    else {
      const metadata = (streamInfo.dynamicMetadata ??= new Map<string, Record<string, unknown>>());
      // The first of several with one key stays, as in Envoy (in filter state the last).
      metadata.set(rule.namespace, { [rule.key]: text, ...metadata.get(rule.namespace) });
    }
  }
}

function tlvState(streamInfo: StreamInfo): TlvFilterState {
  const all = (streamInfo.filterState ??= new Map<string, unknown>());
  const old = all.get(TLV_STATE);
  if (old instanceof TlvFilterState) return old;
  const made = new TlvFilterState();
  all.set(TLV_STATE, made);
  return made;
}

/** Text that is not UTF-8 has `!` in the place of each bad byte, as in Envoy. */
function textOf(value: Buffer, rule: TlvRule): string {
  if (rule.base64) return value.toString('base64');
  const text = value.toString('utf8');
  return Buffer.from(text, 'utf8').equals(value) ? text : sanitized(value);
}

function sanitized(value: Buffer): string {
  let text = '';
  for (let at = 0; at < value.length; ) {
    const length = sequenceLength(value, at);
    text += length === 0 ? '!' : value.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the UTF-8 sequence at `at`; 0 = none is there. */
function sequenceLength(value: Buffer, at: number): number {
  const first = value[at];
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > value.length) return 0;
  const slice = value.subarray(at, at + length);
  return Buffer.from(slice.toString('utf8'), 'utf8').equals(slice) ? length : 0;
}
