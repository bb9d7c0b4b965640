/** What a filter answers to each call. Integer constants: they are compared on every request. Envoy's names and meanings. */

/** Go on with the next filter. */
export const HEADERS_CONTINUE = 0;
/** Stop the headers here; body and trailers still come to this filter. Go on by `continueDecoding`/`continueEncoding`. */
export const HEADERS_STOP_ITERATION = 1;
/** Go on with the headers, but do not end the stream even if they did; data MUST follow from this filter. */
export const HEADERS_CONTINUE_AND_DONT_END_STREAM = 2;
/** Stop headers, body and trailers at this filter; the body is buffered; over the limit: 413 (request) or 500 (response). */
export const HEADERS_STOP_ALL_AND_BUFFER = 3;
/** Stop all; the body is buffered; over the limit: the source is paused. */
export const HEADERS_STOP_ALL_AND_WATERMARK = 4;
export type FilterHeadersStatus = 0 | 1 | 2 | 3 | 4;

/** Go on with the next filter; what this filter had buffered goes with it, and stopped headers too. */
export const DATA_CONTINUE = 0;
/** Buffer the data; over the limit: 413 (request) or 500 (response). */
export const DATA_STOP_ITERATION_AND_BUFFER = 1;
/** Buffer the data; over the limit: the source is paused. */
export const DATA_STOP_ITERATION_AND_WATERMARK = 2;
/** The filter keeps or drops the data itself. */
export const DATA_STOP_ITERATION_NO_BUFFER = 3;
export type FilterDataStatus = 0 | 1 | 2 | 3;

export const TRAILERS_CONTINUE = 0;
export const TRAILERS_STOP_ITERATION = 1;
export type FilterTrailersStatus = 0 | 1;

/** Network filters. */
export const NETWORK_CONTINUE = 0;
export const NETWORK_STOP_ITERATION = 1;
export type NetworkFilterStatus = 0 | 1;
