// `npm run conformance hpack [-- FOLDER]`: our HPACK against http2jp/hpack-test-case, and our encoder's size against the others'.
// The committed selection always runs; the whole collection (478 files) when FOLDER, or .test-deps/hpack-test-case, has a checkout of it.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { checkDecoder, checkEncoder, collectionStories, committedStories } from './stories.ts';
import type { Story } from './stories.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const SOURCE = 'https://github.com/http2jp/hpack-test-case';

/** Returns the number of stories that failed. */
function run(what: string, stories: readonly Story[]): number {
  const coded = stories.filter((story) => story.blocks.some(({ wire }) => wire !== ''));
  const problems = coded.map(checkDecoder).filter((problem) => problem !== null);
  for (const problem of problems) console.error(problem.slice(0, 1000));
  const blocks = coded.reduce((sum, story) => sum + story.blocks.length, 0);
  console.log(`${what}: decoded ${coded.length} stories with ${blocks} blocks, ${problems.length} wrong`);
  return problems.length + encodeAll(what, stories);
}

/** Each story's headers, once, through our encoder; the size beside that of the other encoders. */
function encodeAll(what: string, stories: readonly Story[]): number {
  const encoders = [...new Set(stories.map(({ name }) => path.dirname(name)))].filter((name) => name !== 'raw-data').sort();
  let failed = 0;
  const reference = stories.filter(({ name }) => path.dirname(name) === 'nghttp2');
  for (const [tableSize, huffman] of [[4096, true], [4096, false], [256, true], [0, true]] as const) {
    const total = { bytes: 0 };
    const problems = reference.map((story) => checkEncoder(story, tableSize, huffman, total)).filter((problem) => problem !== null);
    for (const problem of problems) console.error(problem.slice(0, 1000));
    failed += problems.length;
    console.log(`${what}: encoded ${reference.length} stories, table ${tableSize}, Huffman ${huffman ? 'on' : 'off'}: ${total.bytes} bytes, ${problems.length} wrong`);
  }
  for (const encoder of encoders) {
    const own = stories.filter(({ name }) => path.dirname(name) === encoder);
    if (own.length !== reference.length) continue;
    const bytes = own.reduce((sum, story) => sum + story.blocks.reduce((part, { wire }) => part + wire.length / 2, 0), 0);
    console.log(`  ${encoder.padEnd(34)} ${String(bytes).padStart(9)} bytes`);
  }
  return failed;
}

function main(argument: string | undefined): number {
  const folder = argument ?? path.join(root, '.test-deps', 'hpack-test-case');
  let failed = run('committed selection', committedStories());
  if (existsSync(path.join(folder, 'raw-data'))) failed += run('whole collection', collectionStories(folder));
  else console.log(`whole collection: SKIPPED, ${folder} is no checkout of it (git clone ${SOURCE} ${folder})`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2]);
