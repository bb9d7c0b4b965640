import type { RE2JS } from 're2js';

/**
 * The size of the program that RE2 (C++, Latin-1 mode) would compile, which Envoy compares with `max_program_size`. re2js compiles to
 * the same shape of program but counts otherwise; here its instructions are flattened and counted as RE2 does: a class is one byte range
 * per interval (letters of both cases fold to one), alternations and no-ops vanish, and every instruction that is reached from two
 * lists becomes a list of its own.
 */
const ALT = 1;
const ALT_MATCH = 2;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const NOP = 7;
const RUNE = 8;
const RUNE1 = 9;
const RUNE_ANY = 10;
const RUNE_ANY_NOT_NL = 11;
const BEGIN_TEXT = 4;
const END_TEXT = 8;

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

/** Size by RE2's count, or null when re2js's program is not laid out as expected. */
export function re2ProgramSize(parsed: RE2JS): number | null {
  const program = programOf(parsed);
  return program === null ? null : new Flattener(program).size();
}

function programOf(parsed: RE2JS): Program | null {
  const program: unknown = parsed.re2().prog;
  if (typeof program !== 'object' || program === null) return null;
  const inst: unknown = Reflect.get(program, 'inst');
  const start: unknown = Reflect.get(program, 'start');
  if (!Array.isArray(inst) || typeof start !== 'number' || inst.length === 0) return null;
  const instructions: unknown[] = inst;
  return instructions.every(isInstruction) ? { inst: instructions, start } : null;
}

function isInstruction(value: unknown): value is Instruction {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'op') === 'number' && typeof Reflect.get(value, 'out') === 'number';
}

class Flattener {
  private readonly inst: readonly Instruction[];
  private start: number;
  private anchored = false;
  private readonly skipped = new Set<number>();

  constructor(program: Program) {
    this.inst = program.inst;
    this.start = program.start;
    this.stripAnchors();
  }

  size(): number {
    const roots = this.successorRoots();
    for (const root of [...roots].sort((a, b) => b - a)) if (root !== this.start) this.addDominated(root, roots);
    let size = 1;
    for (const root of roots) size += this.listSize(root, roots);
    return this.anchored ? size : size + 2;
  }

  /** A leading `^` anchors the program; a literal behind it is searched for outside of the program. A final `$` anchors the end. */
  private stripAnchors(): void {
    const first = this.inst[this.start];
    if (first.op === EMPTY_WIDTH && first.arg === BEGIN_TEXT) {
      this.start = first.out;
      this.anchored = true;
      while (this.inst[this.start].op === RUNE1) {
        this.start = this.inst[this.start].out;
        this.anchored = false;
      }
    }
    let toMatch = -1;
    let count = 0;
    for (let i = 0; i < this.inst.length; i++) {
      for (const next of this.epsilonAndByteTargets(i)) {
        if (this.inst[next].op !== MATCH) continue;
        toMatch = i;
        count++;
      }
    }
    if (count === 1 && this.inst[toMatch].op === EMPTY_WIDTH && this.inst[toMatch].arg === END_TEXT) this.skipped.add(toMatch);
  }

  private epsilonAndByteTargets(id: number): number[] {
    const { op, out, arg } = this.inst[id];
    if (op === FAIL || op === MATCH) return [];
    return op === ALT || op === ALT_MATCH ? [out, arg] : [out];
  }

  /** Alternations, no-ops and a stripped `$` are passed through; everything else is an instruction of a list. */
  private epsilonTargets(id: number): number[] | null {
    const { op, out, arg } = this.inst[id];
    if (op === ALT || op === ALT_MATCH) return [out, arg];
    return op === NOP || this.skipped.has(id) ? [out] : null;
  }

  private successorRoots(): Set<number> {
    const roots = new Set([this.start]);
    const seen = new Set<number>();
    const stack = [this.start];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const targets = this.epsilonTargets(id);
      if (targets !== null) stack.push(...targets);
      else if (this.inst[id].op !== MATCH && this.inst[id].op !== FAIL) {
        roots.add(this.inst[id].out);
        stack.push(this.inst[id].out);
      }
    }
    return roots;
  }

  /** What is reachable from `root` by epsilon steps, and from elsewhere too, becomes a root. */
  private addDominated(root: number, roots: Set<number>): void {
    const reachable = this.reachable(root, roots);
    for (let from = 0; from < this.inst.length; from++) {
      const targets = this.epsilonTargets(from);
      if (targets === null || reachable.has(from)) continue;
      for (const target of targets) if (reachable.has(target)) roots.add(target);
    }
  }

  private reachable(root: number, roots: ReadonlySet<number>): Set<number> {
    const reached = new Set<number>();
    const stack = [root];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      if (id !== root && roots.has(id)) continue;
      stack.push(...(this.epsilonTargets(id) ?? []));
    }
    return reached;
  }

  private listSize(root: number, roots: ReadonlySet<number>): number {
    let size = 0;
    for (const id of this.reachable(root, roots)) {
      if (id !== root && roots.has(id)) size++;
      else if (this.epsilonTargets(id) === null) size += instructionSize(this.inst[id]);
    }
    return size;
  }
}

function instructionSize(instruction: Instruction): number {
  if (instruction.op === RUNE_ANY) return 1;
  if (instruction.op === RUNE_ANY_NOT_NL) return 2;
  return instruction.op === RUNE ? classSize(instruction.runes, instruction.arg) : 1;
}

/** Intervals of a class that hold bytes; when it has each letter in both cases, the upper-case ones come for free. */
function classSize(runes: ArrayLike<number>, fold: number): number {
  if (runes.length === 1 || fold !== 0) return 1;
  const has = new Array<boolean>(256).fill(false);
  for (let i = 0; i + 1 < runes.length; i += 2) {
    for (let code = runes[i]; code <= Math.min(runes[i + 1], 255); code++) has[code] = true;
  }
  let folds = true;
  for (let code = 0x41; code <= 0x5a; code++) folds &&= has[code] === has[code + 32];
  let count = 0;
  for (let low = 0; low < 256; low++) {
    if (!has[low]) continue;
    let high = low;
    while (high < 255 && has[high + 1]) high++;
    if (!(folds && low >= 0x41 && high <= 0x5a)) count++;
    low = high;
  }
  return Math.max(count, 1);
}
