import type { SourceFile } from './source-graph.ts';

/** State of Tarjan's algorithm: strongly connected components of the import graph. */
class ComponentFinder {
  private readonly targets: ReadonlyMap<string, readonly string[]>;
  private readonly index = new Map<string, number>();
  private readonly low = new Map<string, number>();
  private readonly stack: string[] = [];
  private readonly onStack = new Set<string>();
  readonly components: string[][] = [];

  constructor(targets: ReadonlyMap<string, readonly string[]>) {
    this.targets = targets;
    for (const file of targets.keys()) if (!this.index.has(file)) this.visit(file);
  }

  /** Returns the lowest index that `file` reaches. */
  private visit(file: string): number {
    const own = this.index.size;
    let lowest = own;
    this.index.set(file, own);
    this.low.set(file, own);
    this.stack.push(file);
    this.onStack.add(file);
    for (const target of this.targets.get(file) ?? []) {
      const seen = this.index.get(target);
      if (seen === undefined) lowest = Math.min(lowest, this.visit(target));
      else if (this.onStack.has(target)) lowest = Math.min(lowest, seen);
    }
    if (lowest === own) this.takeComponent(file);
    return lowest;
  }

  private takeComponent(root: string): void {
    const component: string[] = [];
    for (;;) {
      const file = this.stack.pop();
      if (file === undefined) break;
      this.onStack.delete(file);
      component.push(file);
      if (file === root) break;
    }
    this.components.push(component);
  }
}

/** A way round within one component, starting at its first file by name: the cycle as a reader would follow it. */
function wayRound(component: readonly string[], targets: ReadonlyMap<string, readonly string[]>): string[] {
  const inside = new Set(component);
  const start = [...component].sort()[0] ?? '';
  const previous = new Map<string, string>();
  const queue = [start];
  for (const file of queue) {
    for (const target of targets.get(file) ?? []) {
      if (target === start) return pathTo(file, previous, start);
      if (!inside.has(target) || previous.has(target)) continue;
      previous.set(target, file);
      queue.push(target);
    }
  }
  return [...component];
}

function pathTo(last: string, previous: ReadonlyMap<string, string>, start: string): string[] {
  const way = [start];
  for (let file = last; file !== start; file = previous.get(file) ?? start) way.splice(1, 0, file);
  way.push(start);
  return way;
}

/**
 * Files that import each other in a circle at run time, one way round for each circle (first and last entry are the same).
 * Type-only imports do not count: they vanish when the code runs, and interfaces may name each other.
 */
export function findCycles(sources: readonly SourceFile[]): string[][] {
  const targets = new Map<string, readonly string[]>();
  for (const source of sources) {
    targets.set(
      source.path,
      source.imports.filter((edge) => edge.local && !edge.typeOnly).map((edge) => edge.target),
    );
  }
  const components = new ComponentFinder(targets).components;
  const circles = components.filter(
    ([first = '', second]) => second !== undefined || targets.get(first)?.includes(first) === true,
  );
  return circles.map((component) => wayRound(component, targets));
}
