import { setKey, type Json, type JsonObject } from '../message/json.ts';
import { LenientJson, type JsonNode } from './lenient-json.ts';
import type { Parsed, SourceFormat } from './source.ts';
import type { SourceNode } from './source-node.ts';

function parse(text: string): Parsed {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    // Not strict JSON; Envoy's reader takes more than that.
    return parseExact(text);
  }
}

function parseExact(text: string): Parsed {
  const parsed = new LenientJson(text).parse();
  if ('why' in parsed) return { problems: [parsed] };
  return { value: valueOf(parsed) };
}

function valueOf(node: JsonNode): Json {
  if (node.items !== undefined) return node.items.map(valueOf);
  if (node.entries === undefined) return node.scalar;
  const out: JsonObject = {};
  for (const entry of node.entries) setKey(out, entry.key, valueOf(entry.node));
  return out;
}

function places(text: string): SourceNode {
  const parsed = new LenientJson(text).parse();
  return 'why' in parsed ? { offset: 0 } : parsed;
}

export const jsonFormat: SourceFormat = { parse, parseExact, places };
