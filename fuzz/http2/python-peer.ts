/** Programs in Python that answer a line with a line: PyPI's hpack and h2. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureTool } from '../../tools/test-deps/tools.js';
import type { Field } from './reference.ts';

export interface PeerResult {
  readonly error?: string;
  readonly fields?: readonly Field[];
  /** The same fields as the peer's encoder writes them. */
  readonly coded?: string;
}

/** A Python with h2 and hpack. */
export interface Python {
  readonly command: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** The one of `NUNCIO_PYTHON`, or `python3` with the package of tools/test-deps; null when there is none. */
export function pythonWithHpack(): Python | null {
  const command = process.env['NUNCIO_PYTHON'];
  const folder = command === undefined ? ensureTool('h2', { install: true }).path : null;
  const environment = folder === null ? process.env : { ...process.env, PYTHONPATH: folder };
  const python = { command: command ?? 'python3', environment };
  return spawnSync(python.command, ['-c', 'import hpack, h2'], { env: environment }).status === 0 ? python : null;
}

/** One of the programs of this folder; `Answer` is what a line of it is. */
export class PythonPeer<Answer> {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string, undefined>;

  constructor(python: Python, program: string) {
    this.child = spawn(python.command, [path.join(import.meta.dirname, program)], { stdio: 'pipe', env: python.environment });
    this.child.stderr.pipe(process.stderr);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async run(input: Buffer): Promise<Answer> {
    this.child.stdin.write(`${input.toString('hex')}\n`);
    const line = await this.lines.next();
    if (line.done === true) throw new Error('the Python peer has ended');
    return JSON.parse(line.value) as Answer;
  }

  stop(): void {
    this.child.stdin.end();
  }
}
