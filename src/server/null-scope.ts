import type { Counter, Gauge, Histogram, HistogramUnit, Scope, StatsBlock, StatsSchema, TextReadout } from '../contract/stats.ts';

/** Statistics that nobody reads: the dry run builds everything with them, so that it leaves no zeros in the listings. */
export class NullScope implements Scope {
  readonly prefix: string;

  constructor(prefix = '') {
    this.prefix = prefix;
  }

  counter(name: string): Counter {
    return new NullNumber(this.prefix + name);
  }

  gauge(name: string): Gauge {
    return new NullNumber(this.prefix + name);
  }

  histogram(name: string, unit: HistogramUnit): Histogram {
    return { name: this.prefix + name, unit, record: nothing };
  }

  textReadout(name: string): TextReadout {
    return { name: this.prefix + name, value: '', set: nothing };
  }

  block(schema: StatsSchema): StatsBlock {
    const unitOf = (name: string): HistogramUnit => schema.histograms.find((each) => each[0] === name)?.[1] ?? 'unspecified';
    return {
      counter: (name) => this.counter(name),
      gauge: (name) => this.gauge(name),
      histogram: (name) => this.histogram(name, unitOf(name)),
    };
  }

  scope(prefix: string): Scope {
    return new NullScope(prefix === '' ? this.prefix : `${this.prefix}${prefix}.`);
  }

  dispose(): void {}
}

class NullNumber implements Counter, Gauge {
  readonly name: string;
  readonly value = 0;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {}
  dec(): void {}
  add(): void {}
  sub(): void {}
  set(): void {}
}

function nothing(): void {}
