import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import { LENGTH_ALLOWED, PARAMS_REQUIRED } from './command.ts';
import type { Command } from './command.ts';
import { jsonString } from './json-text.ts';
import { truncate } from './operator.ts';
import type { Operator } from './operator.ts';

type Lookup = (name: string, parameter: string, maxLength: number) => Operator;

/** The first of several operators that has a value. */
class Coalesce implements Operator {
  private readonly operators: readonly Operator[];
  private readonly max: number;

  constructor(operators: readonly Operator[], max: number) {
    this.operators = operators;
    this.max = max;
  }

  text(context: LogContext): string | null {
    for (const operator of this.operators) {
      const value = operator.text(context);
      if (value !== null) return truncate(value, this.max);
    }
    return null;
  }

  json(context: LogContext): string {
    for (const operator of this.operators) {
      const value = operator.text(context);
      if (value !== null) return this.max >= 0 ? jsonString(truncate(value, this.max)) : operator.json(context);
    }
    return 'null';
  }
}

/** `%COALESCE({"operators": ["PROTOCOL", {"command": "REQ", "param": ":authority", "max_length": 9}]}):Z%` (Envoy 1.37). */
export function coalesceCommand(lookup: Lookup): Command {
  return {
    syntax: PARAMS_REQUIRED | LENGTH_ALLOWED,
    create: (parameter, max) => {
      const entries = operatorsOf(parameter);
      return new Coalesce(entries.map((entry, i) => operatorOf(entry, i, lookup)), max);
    },
  };
}

function operatorsOf(parameter: string): unknown[] {
  let config: unknown;
  try {
    config = JSON.parse(Buffer.from(parameter, 'latin1').toString('utf8'));
  } catch (error) {
    throw new ConfigError(`COALESCE: failed to parse JSON configuration: ${error instanceof Error ? error.message : ''}`);
  }
  const operators: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'operators') : undefined;
  if (!Array.isArray(operators)) throw new ConfigError("COALESCE: JSON configuration must contain 'operators' array");
  if (operators.length === 0) throw new ConfigError("COALESCE: 'operators' array must not be empty");
  return operators;
}

function operatorOf(entry: unknown, index: number, lookup: Lookup): Operator {
  const failed = (why: string): ConfigError => new ConfigError(`COALESCE: failed to parse operator at index ${index}: ${why}`);
  if (typeof entry === 'string') return known(entry, '', -1, lookup, failed);
  if (typeof entry !== 'object' || entry === null) throw failed('operator must be a string or an object');
  const { command, param, max_length: max } = entry as { command?: unknown; param?: unknown; max_length?: unknown };
  if (typeof command !== 'string') throw failed("operator object must have 'command' field");
  return known(command, typeof param === 'string' ? param : '', typeof max === 'number' && max >= 0 ? max : -1, lookup, failed);
}

function known(name: string, parameter: string, max: number, lookup: Lookup, failed: (why: string) => ConfigError): Operator {
  try {
    return lookup(name, parameter, max);
  } catch (error) {
    if (error instanceof ConfigError && error.why.startsWith('Not supported field')) throw failed(`unknown command: '${name}'`);
    throw error;
  }
}
