import {
  DEFAULT_WINDOW,
  FRAME_HEADER_SIZE,
  FRAME_SETTINGS,
  PREFACE,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  writeFrameHeader,
  writeUint32,
} from './frame.ts';
import type { Http2Settings, SettingsParameter } from './settings.ts';

/** Entries of our SETTINGS frame in Envoy's order; of an identifier given twice the last counts. */
export function settingsEntries(isServer: boolean, settings: Http2Settings): SettingsParameter[] {
  const entries: SettingsParameter[] = [];
  if (!isServer) entries.push({ identifier: SETTINGS_ENABLE_PUSH, value: 0 });
  for (const custom of settings.customSettingsParameters) {
    if (!entries.some((entry) => entry.identifier === custom.identifier)) entries.push(custom);
  }
  entries.push(
    { identifier: SETTINGS_HEADER_TABLE_SIZE, value: settings.hpackTableSize },
    { identifier: SETTINGS_ENABLE_CONNECT_PROTOCOL, value: settings.allowConnect ? 1 : 0 },
    { identifier: SETTINGS_MAX_CONCURRENT_STREAMS, value: settings.maxConcurrentStreams },
    { identifier: SETTINGS_INITIAL_WINDOW_SIZE, value: settings.initialStreamWindowSize },
  );
  return entries;
}

const serverPrefaces = new WeakMap<Http2Settings, Buffer>();
const clientPrefaces = new WeakMap<Http2Settings, Buffer>();

/** What a side sends first: the client's magic, and SETTINGS. Made once for each settings object. */
export function connectionPreface(isServer: boolean, settings: Http2Settings): Buffer {
  const made = isServer ? serverPrefaces : clientPrefaces;
  let bytes = made.get(settings);
  if (bytes === undefined) {
    bytes = makePreface(isServer, settings);
    made.set(settings, bytes);
  }
  return bytes;
}

function makePreface(isServer: boolean, settings: Http2Settings): Buffer {
  const entries = settingsEntries(isServer, settings);
  const start = isServer ? 0 : PREFACE.length;
  const bytes = Buffer.alloc(start + FRAME_HEADER_SIZE + entries.length * 6);
  if (!isServer) PREFACE.copy(bytes);
  writeFrameHeader(bytes, start, entries.length * 6, FRAME_SETTINGS, 0, 0);
  let at = start + FRAME_HEADER_SIZE;
  for (const { identifier, value } of entries) {
    bytes.writeUInt16BE(identifier, at);
    writeUint32(bytes, at + 2, value);
    at += 6;
  }
  return bytes;
}

/** What our settings mean for what we take, once the peer has acknowledged them. */
export interface AcknowledgedSettings {
  readonly headerTableSize: number;
  readonly initialWindow: number;
  readonly maxFrameSize: number;
  readonly maxConcurrentStreams: number;
}

export function acknowledgedSettings(isServer: boolean, settings: Http2Settings): AcknowledgedSettings {
  let headerTableSize = 4096;
  let initialWindow = DEFAULT_WINDOW;
  let maxFrameSize = 16_384;
  let maxConcurrentStreams = 0xffff_ffff;
  for (const { identifier, value } of settingsEntries(isServer, settings)) {
    if (identifier === SETTINGS_HEADER_TABLE_SIZE) headerTableSize = value;
    else if (identifier === SETTINGS_INITIAL_WINDOW_SIZE) initialWindow = value;
    else if (identifier === SETTINGS_MAX_FRAME_SIZE) maxFrameSize = value;
    else if (identifier === SETTINGS_MAX_CONCURRENT_STREAMS) maxConcurrentStreams = value;
  }
  return { headerTableSize, initialWindow, maxFrameSize, maxConcurrentStreams };
}
