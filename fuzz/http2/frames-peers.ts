/**
 * `node fuzz/http2/frames-peers.ts --seconds N [--seed S]`: clients' connections into our server codec, Node's (nghttp2) and PyPI's h2. What
 * two of them take without a word of complaint they must understand alike.
 */
import assert from 'node:assert/strict';
import { ServerRun } from '../../src/codec/http2/testing.ts';
import { generateConnection } from './generate-frames.ts';
import { runNodeConnection } from './node-peer.ts';
import type { ConnectionVerdict, StreamResult } from './node-peer.ts';
import { PythonPeer, pythonWithHpack } from './python-peer.ts';
import { runTarget } from './run.ts';

function runOurs(bytes: Buffer): ConnectionVerdict {
  const run = new ServerRun();
  const streams: Record<string, StreamResult> = {};
  const newStream = run.newStream.bind(run);
  run.newStream = (encoder) => {
    const decoder = newStream(encoder);
    const result: StreamResult = { body: 0, ended: false, trailers: false };
    decoder.decodeHeaders = (_headers, end) => {
      streams[String(encoder.stream.codecStreamId)] = result;
      result.ended = end;
    };
    decoder.decodeData = (data, end) => {
      result.body += data.length;
      result.ended = end;
    };
    decoder.decodeTrailers = () => {
      result.trailers = true;
      result.ended = true;
    };
    return decoder;
  };
  run.feed(bytes);
  const said = run.sent();
  const accepted = !run.events().some((line) => line.startsWith('error') || line.includes(' reset ')) && !said.some((line) => /^(?:RST|GOAWAY)/.test(line));
  run.codec.onConnectionClose();
  return { accepted, streams };
}

const compared = { node: 0, python: 0 };
const python = pythonWithHpack();
const peer = python === null ? null : new PythonPeer<ConnectionVerdict>(python, 'h2-peer.py');
if (peer === null) console.log("frames-peers: Python's h2 SKIPPED (node tools/test-deps h2, or NUNCIO_PYTHON=a Python that has it)");

function withoutTrailers(streams: ConnectionVerdict['streams']): Record<string, Omit<StreamResult, 'trailers'>> {
  return Object.fromEntries(Object.entries(streams).map(([id, { body, ended }]) => [id, { body, ended }]));
}

await runTarget({
  name: 'frames-peers',
  generate: (rng) => generateConnection(rng, true),

  async check(input) {
    const ours = runOurs(input);
    if (!ours.accepted) return;
    const node = await runNodeConnection(input);
    if (node.accepted) {
      compared.node++;
      // Node tells of no trailers that have no field left.
      assert.deepEqual(withoutTrailers(node.streams), withoutTrailers(ours.streams), 'Node and we');
    }
    const theirs = peer === null ? null : await peer.run(input);
    if (theirs?.accepted === true) {
      compared.python++;
      assert.deepEqual(theirs.streams, ours.streams, 'Python and we');
    }
  },
});
peer?.stop();
console.log(`frames-peers: ${compared.node} connections compared with Node, ${compared.python} with Python`);
