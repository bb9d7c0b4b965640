import type { FractionalPercent, RuntimeSnapshot } from '../../contract/runtime.ts';
import type { RuntimeEntry } from './entry.ts';
import { RELOADABLE_PREFIX, RESTART_PREFIX, featureDefault } from './features.ts';

/** Values of all layers laid over each other. Immutable. */
export class MergedSnapshot implements RuntimeSnapshot {
  private readonly values: ReadonlyMap<string, RuntimeEntry>;

  constructor(values: ReadonlyMap<string, RuntimeEntry>) {
    this.values = values;
  }

  getBoolean(key: string, defaultValue: boolean): boolean {
    return this.values.get(key)?.bool ?? defaultValue;
  }

  getInteger(key: string, defaultValue: number): number {
    return this.values.get(key)?.uint ?? defaultValue;
  }

  getDouble(key: string, defaultValue: number): number {
    return this.values.get(key)?.double ?? defaultValue;
  }

  getString(key: string): string | undefined {
    return this.values.get(key)?.raw;
  }

  featureEnabled(key: string, percent: FractionalPercent, random: number): boolean {
    const entry = this.values.size === 0 || key === '' ? undefined : this.values.get(key);
    if (entry !== undefined) {
      if (entry.percent !== null) return draw(entry.percent, random);
      // A plain integer is a percentage, for compatibility.
      if (entry.uint !== null) return entry.uint > 100 || random % 100 < entry.uint;
    }
    return draw(percent, random);
  }

  runtimeFeatureEnabled(name: string): boolean {
    const full = name.startsWith(RELOADABLE_PREFIX) || name.startsWith(RESTART_PREFIX) ? name : RELOADABLE_PREFIX + name;
    return this.values.get(full)?.bool ?? featureDefault(full);
  }

  get size(): number {
    return this.values.size;
  }
}

function draw(percent: FractionalPercent, random: number): boolean {
  return random % percent.denominator < percent.numerator;
}
