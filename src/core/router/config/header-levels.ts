import { FormatContext } from '../../../common/format-context.ts';
import type { HeaderParser } from '../../../common/header-parser.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';

/** Header changes of several levels in the order in which they are made; levels that do nothing are left out at load. */
export class HeaderLevels {
  private readonly parsers: readonly HeaderParser[];
  private readonly needsContext: boolean;
  private readonly dispatcher: Dispatcher;

  constructor(parsers: readonly (HeaderParser | null)[], dispatcher: Dispatcher) {
    this.parsers = parsers.filter((parser): parser is HeaderParser => parser !== null && !parser.isEmpty);
    this.needsContext = this.parsers.some((parser) => parser.needsContext);
    this.dispatcher = dispatcher;
  }

  evaluateRequest(headers: HeaderMap, streamInfo: StreamInfo): void {
    this.evaluate(headers, this.needsContext ? new FormatContext(streamInfo, this.dispatcher.now(), headers) : null);
  }

  evaluateResponse(requestHeaders: HeaderMap | null, headers: HeaderMap, streamInfo: StreamInfo): void {
    this.evaluate(headers, this.needsContext ? new FormatContext(streamInfo, this.dispatcher.now(), requestHeaders, headers) : null);
  }

  private evaluate(headers: HeaderMap, context: FormatContext | null): void {
    const parsers = this.parsers;
    for (let i = 0; i < parsers.length; i++) parsers[i].evaluate(headers, context);
  }
}
