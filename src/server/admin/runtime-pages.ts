import type { AdminHandler } from '../../contract/admin.ts';
import { LOG_ERROR } from '../../contract/logger.ts';
import type { AdminContext } from './context.ts';
import { JSON_TYPE } from './router.ts';

const USAGE =
  'usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n' +
  '       or send the parameters as form values\n' +
  'use an empty value to remove a previously added override';

/** `/runtime` and `/runtime_modify`. */
export function runtimePages(context: AdminContext): AdminHandler[] {
  return [
    {
      path: '/runtime',
      help: 'print runtime values',
      mutates: false,
      parameters: [],
      handle: () => ({ status: 200, contentType: JSON_TYPE, body: `${JSON.stringify(runtimeJson(context), null, 1)}\n` }),
    },
    {
      path: '/runtime_modify',
      help: 'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
      mutates: true,
      parameters: [],
      handle: (request) => {
        const changes = new Map<string, string>();
        const form = request.headers.get('content-type') === 'application/x-www-form-urlencoded' ? new URLSearchParams(request.body) : [];
        for (const [key, value] of [...request.query, ...form]) if (!changes.has(key)) changes.set(key, value);
        if (changes.size === 0) return { status: 400, body: USAGE };
        const error = context.runtime.mergeAdminValues(changes);
        if (error === null) return { status: 200, body: 'OK\n' };
        context.loggers.get('misc').log(LOG_ERROR, error);
        return { status: 503, body: error };
      },
    },
  ];
}

function runtimeJson(context: AdminContext): object {
  const layers = context.runtime.layers;
  const keys = new Set<string>();
  for (const layer of layers) for (const key of layer.values.keys()) keys.add(key);
  const entries: Record<string, object> = Object.create(null) as Record<string, object>;
  for (const key of [...keys].sort()) {
    const values = layers.map((layer) => layer.values.get(key)?.raw ?? '');
    entries[key] = { layer_values: values, final_value: values.findLast((value) => value !== '') ?? '' };
  }
  return { entries, layers: layers.map((layer) => layer.name) };
}
