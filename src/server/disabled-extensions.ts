import { LOG_INFO, LOG_WARNING } from '../contract/logger.ts';
import type { Logger } from '../contract/logger.ts';
import type { ExtensionRegistry } from '../extensions/extension-registry.ts';
import { registry } from '../extensions/registry.ts';

/** The extensions without those of `--disable-extensions` (each `category/name`), and a line in the log for each of them. */
export function disableExtensions(names: readonly string[], logger: Logger): ExtensionRegistry {
  for (const name of names) {
    if (!name.includes('/')) logger.log(LOG_WARNING, `failed to disable invalid extension name '${name}'`);
    else if (registry.knows(name)) logger.log(LOG_INFO, `disabled extension '${name}'`);
    else logger.log(LOG_WARNING, `failed to disable unknown extension '${name}'`);
  }
  return registry.without(names);
}
