import type { HttpFilterFactory } from '../../../../contract/extension.ts';
import { fieldExtractionSettings, GRPC_FIELD_EXTRACTION } from './config.ts';
import { FieldExtractionFilter } from './filter.ts';

const NAME = 'envoy.filters.http.grpc_field_extraction';

export const grpcFieldExtractionFilter: HttpFilterFactory = {
  name: NAME,
  category: 'envoy.filters.http',
  configTypes: [GRPC_FIELD_EXTRACTION],
  status: 'works',
  terminal: false,

  create(config) {
    const settings = fieldExtractionSettings(config);
    return (callbacks) => callbacks.addStreamDecoderFilter(NAME, new FieldExtractionFilter(settings));
  },
};
