import { FormatContext } from '../../../../common/format-context.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type {
  StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter, StreamFilterCallbacks,
} from '../../../../contract/http-filter.ts';
import { DATA_CONTINUE, HEADERS_CONTINUE, TRAILERS_CONTINUE } from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { HeaderMutationConfig, Mutations } from './config.ts';

const NONE: readonly Mutations[] = [];

/** Changes headers, trailers and query parameters; its own mutations first, then those of the route's levels. */
export class HeaderMutationFilter implements StreamFilter {
  private readonly config: HeaderMutationConfig;
  private decoder: StreamDecoderFilterCallbacks | null;
  private encoder: StreamEncoderFilterCallbacks | null;
  private requestHeaders: HeaderMap | null;
  private responseHeaders: HeaderMap | null;
  /** The route's mutations in the order in which they apply; null until looked up, then the same for both directions. */
  private routeMutations: readonly Mutations[] | null;

  constructor(config: HeaderMutationConfig) {
    this.config = config;
    this.decoder = null;
    this.encoder = null;
    this.requestHeaders = null;
    this.responseHeaders = null;
    this.routeMutations = null;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoder = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoder = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const callbacks = this.decoder;
    this.requestHeaders = headers;
    if (callbacks === null) return HEADERS_CONTINUE;
    const context = this.context(callbacks);
    this.config.mutations.mutateRequest(headers, context);
    const levels = this.levels(callbacks);
    for (let i = 0; i < levels.length; i++) levels[i].mutateRequest(headers, context);
    return HEADERS_CONTINUE;
  }

  decodeData(): FilterDataStatus {
    return DATA_CONTINUE;
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    const callbacks = this.decoder;
    if (callbacks === null) return TRAILERS_CONTINUE;
    const context = this.context(callbacks);
    this.config.mutations.requestTrailers.evaluate(trailers, context);
    const levels = this.levels(callbacks);
    for (let i = 0; i < levels.length; i++) levels[i].requestTrailers.evaluate(trailers, context);
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const callbacks = this.encoder;
    this.responseHeaders = headers;
    if (callbacks === null) return HEADERS_CONTINUE;
    // A filter before this one may have answered: then decodeHeaders never ran.
    if (this.requestHeaders === null) this.requestHeaders = callbacks.streamInfo.requestHeaders;
    const context = this.context(callbacks);
    this.config.mutations.responseHeaders.evaluate(headers, context);
    const levels = this.levels(callbacks);
    for (let i = 0; i < levels.length; i++) levels[i].responseHeaders.evaluate(headers, context);
    return HEADERS_CONTINUE;
  }

  encodeData(): FilterDataStatus {
    return DATA_CONTINUE;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    const callbacks = this.encoder;
    if (callbacks === null) return TRAILERS_CONTINUE;
    const context = this.context(callbacks, trailers);
    this.config.mutations.responseTrailers.evaluate(trailers, context);
    const levels = this.levels(callbacks);
    for (let i = 0; i < levels.length; i++) levels[i].responseTrailers.evaluate(trailers, context);
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.decoder = null;
    this.encoder = null;
    this.requestHeaders = null;
    this.responseHeaders = null;
  }

  private context(callbacks: StreamFilterCallbacks, trailers: HeaderMap | null = null): FormatContext {
    return new FormatContext(callbacks.streamInfo, callbacks.dispatcher.now(), this.requestHeaders, this.responseHeaders, trailers);
  }

  private levels(callbacks: StreamFilterCallbacks): readonly Mutations[] {
    if (this.routeMutations !== null) return this.routeMutations;
    // createPerRoute is the only maker of this filter's route configurations. They come least specific first.
    const configs = callbacks.perFilterConfigs() as readonly Mutations[];
    if (configs.length === 0) this.routeMutations = NONE;
    else this.routeMutations = this.config.mostSpecificWins ? configs : configs.toReversed();
    return this.routeMutations;
  }
}
