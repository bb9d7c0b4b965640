import type { AdminHandler } from '../../contract/admin.ts';
import { choice } from './router.ts';

const NOT_SUPPORTED = 'not supported: nuncio runs on V8; use node --cpu-prof, --heap-prof or the inspector (SIGUSR1 is taken by log reopening)\n';

/** Pages of profilers that belong to Envoy's allocator and compiler; they say what to use instead. */
export function profilingPages(): AdminHandler[] {
  const toggle = (path: string, help: string, parameter: string): AdminHandler => ({
    path,
    help,
    mutates: true,
    parameters: [choice('enable', parameter, ['y', 'n'])],
    handle: (request) => {
      const enable = request.query.get('enable');
      if ((enable !== 'y' && enable !== 'n') || [...request.query].length !== 1) return { status: 400, body: '?enable=<y|n>\n' };
      return { status: 501, body: NOT_SUPPORTED };
    },
  });
  const dump = (path: string, help: string): AdminHandler => ({
    path,
    help,
    mutates: false,
    parameters: [],
    handle: () => ({ status: 501, body: NOT_SUPPORTED }),
  });
  return [
    toggle('/cpuprofiler', 'enable/disable the CPU profiler', 'enables the CPU profiler'),
    toggle('/heapprofiler', 'enable/disable the heap profiler', 'enable/disable the heap profiler'),
    toggle('/allocprofiler', 'enable/disable the allocation profiler (if supported)', 'enable/disable the allocation profiler'),
    dump('/heap_dump', 'dump current Envoy heap (if supported)'),
    dump('/peak_heap_dump', 'dump peak Envoy heap (if supported)'),
  ];
}
