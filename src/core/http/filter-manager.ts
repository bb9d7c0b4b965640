import type { AccessLog } from '../../contract/access-log.ts';
import type { FilterChainCallbacks, StreamDecoderFilter, StreamEncoderFilter, StreamFilter } from '../../contract/http-filter.ts';
import type { Route } from '../../contract/route.ts';
import { DecoderEntry } from './decoder-entry.ts';
import { EncoderEntry } from './encoder-entry.ts';
import { FilterManagerDecoding } from './filter-manager-decoding.ts';
import { NO_DECODERS, NO_ENCODERS, UPGRADE_ACCEPTED, UPGRADE_REJECTED } from './filter-manager-state.ts';
import type { UpgradeResult } from './filter-manager-state.ts';

/** Builds the filters of one stream. Returns nothing: the filters arrive through the callbacks. */
export interface FilterChainFactory {
  createFilterChain(manager: FilterManager, route: Route | null): void;
  /** False when the upgrade is not allowed; then nothing was created. */
  createUpgradeFilterChain(upgradeType: string, manager: FilterManager, route: Route | null): boolean;
}

/**
 * Carries one stream through its filters, in Envoy's order and with Envoy's rules (docs/internals/life-of-a-request.md): decoder filters
 * first to last, encoder filters last to first, holding back what a stopped filter must not pass on. Here the chain is made and destroyed;
 * the request's way is in filter-manager-decoding.ts, the response's in filter-manager-encoding.ts, answers from this side in
 * filter-manager-replies.ts, what they share in filter-manager-state.ts.
 *
 * Abstract: the connection manager's ActiveStream fills in both ends, so that a stream is one object. It is at the same time the context
 * that access logs read.
 *
 * After `destroyFilters` no filter is called: both directions are aborted, and every loop looks at that after every call.
 */
export abstract class FilterManager extends FilterManagerDecoding implements FilterChainCallbacks {
  /** Makes the filters if that has not been done; says what became of an upgrade. `route` may still be null. */
  override createFilterChain(route: Route | null): UpgradeResult {
    if (this.chainCreated) return this.upgrade;
    this.chainCreated = true;
    const type = this.upgradeType();
    if (type !== null) {
      if (this.factory.createUpgradeFilterChain(type, this, route)) this.upgrade = UPGRADE_ACCEPTED;
      else this.upgrade = UPGRADE_REJECTED;
    }
    if (this.upgrade !== UPGRADE_ACCEPTED) this.factory.createFilterChain(this, route);
    if (this.encoders.length > 1) this.encoders.reverse();
    for (let i = 0; i < this.encoders.length; i++) this.encoders[i].index = i;
    return this.upgrade;
  }

  private upgradeType(): string | null {
    const headers = this.requestHeaders;
    if (headers === null) return null;
    const upgrade = headers.get('upgrade');
    if (upgrade !== undefined) return upgrade;
    return headers.get(':method') === 'CONNECT' ? 'CONNECT' : null;
  }

  /** No filters for this stream: it is refused so early that they would only cost. */
  skipFilterChainCreation(): void {
    this.chainCreated = true;
  }

  /** Filters that are added until the next call carry this name from the configuration, whatever the factory says. */
  setFilterName(name: string): void {
    this.filterName = name;
  }

  addStreamDecoderFilter(_name: string, filter: StreamDecoderFilter): void {
    this.filters.push(filter);
    this.addDecoder(filter);
  }

  addStreamEncoderFilter(_name: string, filter: StreamEncoderFilter): void {
    this.filters.push(filter);
    this.addEncoder(filter);
  }

  addStreamFilter(_name: string, filter: StreamFilter): void {
    this.filters.push(filter);
    this.addDecoder(filter);
    this.addEncoder(filter);
  }

  addAccessLogHandler(handler: AccessLog): void {
    if (this.accessLogHandlers === null) this.accessLogHandlers = [handler];
    else this.accessLogHandlers.push(handler);
  }

  private addDecoder(filter: StreamDecoderFilter): void {
    const entry = new DecoderEntry(this, this.filterName, this.decoders.length, filter);
    if (this.decoders === NO_DECODERS) this.decoders = [entry];
    else this.decoders.push(entry);
    filter.setDecoderFilterCallbacks(entry);
  }

  private addEncoder(filter: StreamEncoderFilter): void {
    const entry = new EncoderEntry(this, this.filterName, this.encoders.length, filter);
    if (this.encoders === NO_ENCODERS) this.encoders = [entry];
    else this.encoders.push(entry);
    filter.setEncoderFilterCallbacks(entry);
  }

  protected onStreamComplete(): void {
    const filters = this.filters;
    for (let i = 0; i < filters.length; i++) filters[i].onStreamComplete?.();
  }

  /** Once: afterwards nothing is called on any filter. */
  protected destroyFilters(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.decoderAborted = true;
    this.encoderAborted = true;
    this.observedEncodeEnd = true;
    const filters = this.filters;
    for (let i = 0; i < filters.length; i++) filters[i].onDestroy();
  }
}
