/**
 * Stories of http2jp/hpack-test-case (MIT, see vectors/LICENSE): header lists and what fourteen encoders made of them. A story shares one
 * compression context.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { HPACK_RESULT_TEXT, HpackDecoder, HpackEncoder, OutBuffer } from '../../../src/codec/http2/hpack/index.ts';

export type Field = readonly [name: string, value: string];

/** One encoder's version of a story. */
export interface Story {
  readonly name: string;
  readonly blocks: readonly Block[];
}

export interface Block {
  readonly wire: string;
  /** SETTINGS_HEADER_TABLE_SIZE acknowledged just before. */
  readonly tableSize: number | undefined;
  readonly headers: readonly Field[];
}

const vectors = path.join(import.meta.dirname, 'vectors');

interface StoryFile {
  readonly headers: readonly (readonly Field[])[];
  readonly wires: Readonly<Record<string, readonly (readonly [string, number?])[]>>;
}

/** The committed selection, which the unit tests run too. */
export function committedStories(): Story[] {
  return readdirSync(vectors)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const story = JSON.parse(readFileSync(path.join(vectors, file), 'utf8')) as StoryFile;
      return Object.entries(story.wires).map(([encoder, wires]) => ({
        name: `${encoder}/${file}`,
        blocks: wires.map(([wire, tableSize], i) => ({ wire, tableSize, headers: story.headers[i] ?? [] })),
      }));
    });
}

interface OriginalFile {
  readonly cases: readonly { readonly wire?: string; readonly header_table_size?: number | null; readonly headers: readonly Readonly<Record<string, string>>[] }[];
}

/** A checkout of the whole collection, `raw-data` included (its stories have no wire form). */
export function collectionStories(folder: string): Story[] {
  return readdirSync(folder)
    .filter((encoder) => existsSync(path.join(folder, encoder, 'story_00.json')))
    .flatMap((encoder) => {
      const files = readdirSync(path.join(folder, encoder)).filter((file) => file.startsWith('story_'));
      return files.map((file) => {
        const { cases } = JSON.parse(readFileSync(path.join(folder, encoder, file), 'utf8')) as OriginalFile;
        const blocks = cases.map((one) => ({ wire: one.wire ?? '', tableSize: one.header_table_size ?? undefined, headers: one.headers.flatMap((field) => Object.entries(field)) }));
        return { name: `${encoder}/${file}`, blocks };
      });
    });
}

function decodeBlock(decoder: HpackDecoder, block: Buffer): Field[] | string {
  const got: Field[] = [];
  const result = decoder.decode(block, 0, block.length, { onHeader: (name, value) => got.push([name, value]) > 0 });
  return result === 0 ? got : (HPACK_RESULT_TEXT[result] ?? String(result));
}

function isSame(got: Field[] | string, wanted: readonly Field[]): boolean {
  return JSON.stringify(got) === JSON.stringify(wanted);
}

/** Decodes what the encoder wrote. Null, or what is wrong. */
export function checkDecoder(story: Story): string | null {
  const decoder = new HpackDecoder(4096);
  for (const [i, { wire, tableSize, headers }] of story.blocks.entries()) {
    if (tableSize !== undefined) decoder.setMaxTableSize(tableSize);
    const got = decodeBlock(decoder, Buffer.from(wire, 'hex'));
    if (!isSame(got, headers)) return `${story.name}, case ${i}: ${JSON.stringify(got)} instead of ${JSON.stringify(headers)}`;
  }
  return null;
}

/** Encodes the story's headers and decodes them again. Null, or what is wrong; `bytes` gets the length of all blocks. */
export function checkEncoder(story: Story, maxTableSize: number, huffman: boolean, total: { bytes: number }): string | null {
  const encoder = new HpackEncoder(maxTableSize, huffman);
  const decoder = new HpackDecoder(4096);
  const out = new OutBuffer(4096);
  for (const [i, { tableSize, headers }] of story.blocks.entries()) {
    if (tableSize !== undefined) {
      encoder.setMaxTableSize(tableSize);
      decoder.setMaxTableSize(tableSize);
    }
    out.reset();
    for (const [name, value] of headers) encoder.encode(name, value, out);
    total.bytes += out.position;
    const got = decodeBlock(decoder, out.bytes.subarray(0, out.position));
    if (!isSame(got, headers)) return `our encoding of ${story.name}, case ${i}: ${JSON.stringify(got)} instead of ${JSON.stringify(headers)}`;
  }
  return null;
}
