import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** CPUs that this process's control group may use at once, rounded down but at least 1, or null when there is no limit. */
export function cgroupCpuLimit(readFile: (path: string) => string | null = read): number | null {
  const lines = readFile('/proc/self/cgroup')?.split('\n') ?? [];
  let v2: string | null = null;
  for (const line of lines) {
    const [hierarchy, controllers, ...path] = line.split(':');
    if (path.length === 0) continue;
    if (hierarchy === '0') v2 = path.join(':');
    // A version 1 hierarchy with the cpu controller wins, as in Envoy.
    else if (controllers.includes('cpu')) return v1Limit(path.join(':'), readFile);
  }
  return v2 === null ? null : v2Limit(v2, readFile);
}

function v1Limit(path: string, readFile: (path: string) => string | null): number | null {
  const base = `/sys/fs/cgroup/cpu${path === '/' ? '' : path}`;
  const quota = Number(readFile(`${base}/cpu.cfs_quota_us`) ?? -1);
  const period = Number(readFile(`${base}/cpu.cfs_period_us`) ?? 0);
  return toCpus(quota, period);
}

function v2Limit(path: string, readFile: (path: string) => string | null): number | null {
  const [quota, period] = (readFile(`/sys/fs/cgroup${path === '/' ? '' : path}/cpu.max`) ?? 'max 0').trim().split(' ');
  return quota === 'max' ? null : toCpus(Number(quota), Number(period));
}

function toCpus(quota: number, period: number): number | null {
  if (!(quota > 0) || !(period > 0)) return null;
  return Math.max(1, Math.floor(quota / period));
}

/**
 * Default of `--concurrency`: hardware threads, no more than CPU affinity and the control group allow. The environment variable
 * ENVOY_CGROUP_CPU_DETECTION=false leaves the control group out, as in Envoy.
 */
export function defaultConcurrency(environment: NodeJS.ProcessEnv = process.env): number {
  const hardware = Math.max(1, cpus().length);
  const cgroup = environment['ENVOY_CGROUP_CPU_DETECTION']?.toLowerCase() === 'false' ? null : cgroupCpuLimit();
  return Math.max(1, Math.min(hardware, availableParallelism(), cgroup ?? hardware));
}
