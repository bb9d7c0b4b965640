import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Scope } from '../contract/stats.ts';
import { configAt } from '../contract/errors.ts';
import { buildStringMatcher } from '../common/matchers/string-matcher.ts';
import { bucketsFrom } from '../core/stats/histogram-settings.ts';
import { HistogramIntervals } from '../core/stats/intervals.ts';
import { buildStatsMatcher } from '../core/stats/stats-matcher.ts';
import { StatsMerger } from '../core/stats/merger.ts';
import type { StatsSources } from '../core/stats/prometheus.ts';
import { StatsStore } from '../core/stats/store.ts';
import { TagProducer } from '../core/stats/tags.ts';
import { reserveStats } from './reserved-stats.ts';
import type { ServerOptions } from './options.ts';

/** Statistics of the process: the main thread's own, and the sum over all threads. */
export class MainStats {
  readonly merger = new StatsMerger();
  readonly intervals = new HistogramIntervals(this.merger);
  readonly root: Scope;

  constructor() {
    const source = this.merger.attach();
    this.root = new StatsStore((definition) => source.apply(definition)).root();
    reserveStats(this.root);
  }

  /** What listings need besides the numbers. Throws ConfigError. */
  sources(bootstrap: Bootstrap, options: ServerOptions): StatsSources {
    const config = bootstrap.statsConfig;
    const matcher = config?.statsMatcher;
    const accepts = matcher === undefined ? null : configAt('stats_config.stats_matcher', () => buildStatsMatcher(matcher));
    if (accepts !== null) this.merger.restrictTo(accepts);
    const tags = options.statsTags.map(([name, value]) => ({ name, value }));
    const settings = (config?.histogramBucketSettings ?? []).map((each, i) => {
      const { match } = each;
      if (match === undefined) return { match: () => false, buckets: each.buckets };
      const matcher = configAt(`stats_config.histogram_bucket_settings[${i}].match`, () => buildStringMatcher(match));
      return { match: (name: string) => matcher.matches(name), buckets: each.buckets };
    });
    return {
      merger: this.merger,
      intervals: this.intervals,
      tags: new TagProducer(config, tags),
      buckets: bucketsFrom(settings),
    };
  }
}
