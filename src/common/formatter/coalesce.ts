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
      return new Coalesce(entries.map((entry) => operatorOf(entry, lookup)), max);
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
  if (!Array.isArray(operators)) throw new ConfigError("COALESCE: 'operators' array is required");
  return operators;
}

function operatorOf(entry: unknown, lookup: Lookup): Operator {
  if (typeof entry === 'string') return lookup(entry, '', -1);
  if (typeof entry !== 'object' || entry === null) throw new ConfigError('COALESCE: an operator is a string or an object');
  const { command, param, max_length: max } = entry as { command?: unknown; param?: unknown; max_length?: unknown };
  if (typeof command !== 'string' || command === '') throw new ConfigError("COALESCE: 'command' is required");
  return lookup(command, typeof param === 'string' ? param : '', typeof max === 'number' && max >= 0 ? max : -1);
}
