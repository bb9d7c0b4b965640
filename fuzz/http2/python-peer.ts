/** Programs in Python that answer a line with a line: PyPI's hpack and h2. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Field } from './reference.ts';

export interface PeerResult {
  readonly error?: string;
  readonly fields?: readonly Field[];
  /** The same fields as the peer's encoder writes them. */
  readonly coded?: string;
}

/** The Python that has the package: of `NUNCIO_PYTHON`, or `python3`. */
export function pythonWithHpack(): string | null {
  const python = process.env['NUNCIO_PYTHON'] ?? 'python3';
  return spawnSync(python, ['-c', 'import hpack, h2']).status === 0 ? python : null;
}

/** One of the programs of this folder; `Answer` is what a line of it is. */
export class PythonPeer<Answer> {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string, undefined>;

  constructor(python: string, program: string) {
    this.child = spawn(python, [path.join(import.meta.dirname, program)], { stdio: 'pipe' });
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
