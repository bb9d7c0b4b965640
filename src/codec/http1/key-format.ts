import type { StatefulHeaderKeyFormatter } from '../../contract/header-map.ts';
import { KEY_FORMAT_PRESERVE_CASE } from './settings.ts';
import type { Http1Settings } from './settings.ts';

const ALPHA = 1;
const DIGIT = 2;

/** Names seen before and their proper-case form; bounded, since peers choose names. */
const properCaseCache = new Map<string, string>();
const PROPER_CASE_CACHE_LIMIT = 1024;

/** `content-type` → `Content-Type`: a letter that follows anything but a letter or digit becomes upper case. */
export function properCase(name: string): string {
  const cached = properCaseCache.get(name);
  if (cached !== undefined) return cached;
  let out = '';
  let capitalize = true;
  for (let i = 0; i < name.length; i++) {
    const kind = kindOf(name.charCodeAt(i));
    out += capitalize && kind === ALPHA ? name[i].toUpperCase() : name[i];
    capitalize = kind === 0;
  }
  if (properCaseCache.size >= PROPER_CASE_CACHE_LIMIT) properCaseCache.clear();
  properCaseCache.set(name, out);
  return out;
}

function kindOf(c: number): number {
  if (c >= 0x30 && c <= 0x39) return DIGIT;
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) ? ALPHA : 0;
}

/**
 * The `preserve_case` formatter: writes each name as the peer first wrote it, and others lower case or in proper case.
 * Created by the decoder of a message, consulted by the encoder that writes the message on.
 */
export class PreserveCaseFormatter implements StatefulHeaderKeyFormatter {
  reasonPhrase: string;
  private readonly originals: Map<string, string>;
  private readonly properCaseOthers: boolean;

  constructor(properCaseOthers: boolean) {
    this.reasonPhrase = '';
    this.originals = new Map();
    this.properCaseOthers = properCaseOthers;
  }

  /** A formatter for one message when the settings ask for one. */
  static fromSettings(settings: Http1Settings): PreserveCaseFormatter | null {
    if (settings.headerKeyFormat !== KEY_FORMAT_PRESERVE_CASE) return null;
    return new PreserveCaseFormatter(settings.properCaseOnEnvoyHeaders);
  }

  /** Remembers a name as written; the first spelling wins. */
  remember(lower: string, original: string): void {
    if (!this.originals.has(lower)) this.originals.set(lower, original);
  }

  format(name: string): string {
    const original = this.originals.get(name);
    if (original !== undefined) return original;
    return this.properCaseOthers ? properCase(name) : name;
  }
}
