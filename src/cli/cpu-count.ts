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
 * ENVOY_CGROUP_CPU_DETECTION=false leaves the control group out, as in Envoy; `--cpuset-threads` does, too: it asks for the affinity alone.
 */
export function defaultConcurrency(cpusetOnly = false, environment: NodeJS.ProcessEnv = process.env): number {
  const hardware = Math.max(1, cpus().length);
  const useCgroup = !cpusetOnly && environment['ENVOY_CGROUP_CPU_DETECTION']?.toLowerCase() !== 'false';
  const cgroup = useCgroup ? cgroupCpuLimit() : null;
  return Math.max(1, Math.min(hardware, affinity(), cgroup ?? hardware));
}

/** CPUs of this process's mask; where the system does not tell, what Node counts. */
function affinity(): number {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return list === undefined ? availableParallelism() : countCpuList(list);
}

/** `0-3,8` -> 5. */
export function countCpuList(list: string): number {
  let count = 0;
  for (const range of list.split(',')) {
    const [first, last = first] = range.split('-').map(Number);
    count += last - first + 1;
  }
  return count;
}
