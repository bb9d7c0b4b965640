import type { Json } from '../message/json.ts';
import type { SourceNode } from './source-node.ts';

/** A text's syntax is wrong. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly why: string;
  readonly hint: string;
}

/** A parsed text: its value, or what is wrong with it. */
export type Parsed = { readonly value: Json } | { readonly problems: readonly SyntaxProblem[] };

/** One text format. */
export interface SourceFormat {
  /** Reads the text fast, without places. */
  parse(text: string): Parsed;
  /** Reads it again with places; called only for a text that `parse` took or for which paths are wanted anyway. */
  places(text: string): SourceNode;
  /** As parse, with integers kept that a number cannot hold. Only formats whose `parse` loses them have it. */
  parseExact?(text: string): Parsed;
}
