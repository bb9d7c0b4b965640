/** Levels as spdlog numbers them. */
export const LOG_TRACE = 0;
export const LOG_DEBUG = 1;
export const LOG_INFO = 2;
export const LOG_WARNING = 3;
export const LOG_ERROR = 4;
export const LOG_CRITICAL = 5;
export const LOG_OFF = 6;
export type LogLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** A component's log (`main`, `config`, `http`, `upstream`, `connection`, `router`, …; Envoy's names). Check `enabled` before building a costly text. */
export interface Logger {
  readonly name: string;
  enabled(level: LogLevel): boolean;
  log(level: LogLevel, message: string): void;
}

export interface Loggers {
  /** The same logger for the same name. */
  get(component: string): Logger;
}
