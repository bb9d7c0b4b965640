import type { AccessLog, AccessLogFilter, Formatter, LogContext } from '../../contract/access-log.ts';
import type { AccessLogFile } from '../../contract/extension.ts';

/** Writes a formatted record to a file when the filter lets it. */
export class FormattedAccessLog implements AccessLog {
  private readonly filter: AccessLogFilter | null;
  private readonly formatter: Formatter;
  private readonly file: AccessLogFile;

  constructor(filter: AccessLogFilter | null, formatter: Formatter, file: AccessLogFile) {
    this.filter = filter;
    this.formatter = formatter;
    this.file = file;
  }

  log(context: LogContext): void {
    if (this.filter !== null && !this.filter.evaluate(context)) return;
    this.file.write(this.formatter.format(context));
  }
}
