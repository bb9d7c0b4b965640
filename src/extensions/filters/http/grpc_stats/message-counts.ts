import type { FilterStateObject } from '../../../../contract/stream-info.ts';

/** Under which the counts stand in filter state. */
export const MESSAGE_COUNTS_KEY = 'envoy.filters.http.grpc_stats';

/** Messages of one stream (envoy.extensions.filters.http.grpc_stats.v3.FilterObject). */
export class MessageCounts implements FilterStateObject {
  requests: number;
  responses: number;

  constructor() {
    this.requests = 0;
    this.responses = 0;
  }

  filterStateText(): string {
    return `${this.requests},${this.responses}`;
  }

  /** 64-bit numbers are text in JSON of protobuf, and zero is left out. */
  filterStateJson(camelCase: boolean): Record<string, string> {
    const json: Record<string, string> = {};
    if (this.requests > 0) json[camelCase ? 'requestMessageCount' : 'request_message_count'] = String(this.requests);
    if (this.responses > 0) json[camelCase ? 'responseMessageCount' : 'response_message_count'] = String(this.responses);
    return json;
  }
}
