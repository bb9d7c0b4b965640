import type { AdminHandler, AdminResponse } from '../../contract/admin.ts';
import { LOG_INFO } from '../../contract/logger.ts';
import type { LogLevel } from '../../contract/logger.ts';
import { LOG_COMPONENTS } from '../log-components.ts';
import { LEVEL_NAMES } from '../log-format.ts';
import { parseLogLevel } from '../logger.ts';
import type { AdminContext } from './context.ts';
import { choice } from './router.ts';

const USAGE =
  'usage: /logging?<name>=<level> (change single level)\n' +
  'usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n' +
  'usage: /logging?level=<level> (change all levels)\n' +
  'usage: /logging?group=<group_name>:<level> (change group of loggers)\n' +
  `levels: ${LEVEL_NAMES.join(' ')} \n`;

/** `/logging`: lists and changes levels of all threads at once. */
export function loggingPage(context: AdminContext): AdminHandler {
  return {
    path: '/logging',
    help: 'query/change logging levels',
    mutates: true,
    parameters: [
      {
        id: 'paths',
        help: 'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>. If fine grain logging is enabled, use __FILE__ or a glob experision as the logger name. For example, source/common*:warning',
      },
      {
        id: 'group',
        help: 'Change given logger group to desired level, set to <logger_group_name>:<desired_level>. logger_group_name must be a logger name.',
      },
      choice('level', "desired logging level, this will change all loggers's level", ['', ...LEVEL_NAMES]),
    ],
    handle: (request): AdminResponse => {
      const error = change(context, request.query);
      let body = error === null ? '' : `error: ${error}\n\n${USAGE}`;
      body += 'active loggers:\n';
      for (let i = 0; i < LOG_COMPONENTS.length; i++) {
        body += `  ${LOG_COMPONENTS[i]}: ${LEVEL_NAMES[context.loggers.levels[i]]}\n`;
      }
      return { status: error === null ? 200 : 400, body: `${body}\n` };
    },
  };
}

/** Does what the query says; an error text, or null. */
function change(context: AdminContext, query: URLSearchParams): string | null {
  // A form sends its fields even when they are empty.
  const given = [...query].filter(([key, value]) => !(value === '' && ['level', 'paths', 'group'].includes(key)));
  if (given.length === 0) return null;
  if (given.length !== 1) return 'invalid number of parameters';
  const [key, value] = given[0];
  if (key === 'level') return changeAll(context, value);
  const pairs: [string, string][] = [];
  if (key === 'paths' || key === 'group') {
    for (const pair of value.split(',').filter((each) => each.trim() !== '')) {
      const colon = pair.indexOf(':');
      if (colon <= 0 || colon === pair.length - 1) return 'empty logger name or empty logger level';
      pairs.push([pair.slice(0, colon), pair.slice(colon + 1)]);
    }
  } else pairs.push([key, value]);
  return changeSome(context, pairs);
}

function changeAll(context: AdminContext, name: string): string | null {
  const level = parseLogLevel(name);
  if (level === undefined) return 'unknown logger level';
  context.loggers.get('misc').log(LOG_INFO, `change all log levels: level='${LEVEL_NAMES[level]}'`);
  context.loggers.setAllLevels(level);
  return null;
}

/** All or none. */
function changeSome(context: AdminContext, pairs: readonly (readonly [string, string])[]): string | null {
  const changes: [string, LogLevel][] = [];
  for (const [component, name] of pairs) {
    const level = parseLogLevel(name);
    if (level === undefined) return 'unknown logger level';
    changes.push([component, level]);
  }
  if (!changes.every(([component]) => LOG_COMPONENTS.includes(component))) return 'unknown logger name';
  for (const [component, level] of changes) {
    context.loggers.get('admin').log(LOG_INFO, `change log level: name='${component}' level='${LEVEL_NAMES[level]}'`);
    context.loggers.setLevel(component, level);
  }
  return null;
}
