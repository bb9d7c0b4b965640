import type { ExtensionFactory } from '../../../contract/extension.ts';

/** `request_id_extension` of a connection manager, which builds it itself (core/http/request-id). */
export const uuidRequestId: ExtensionFactory = {
  name: 'envoy.request_id.uuid',
  category: 'envoy.request_id',
  configTypes: ['envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig'],
  status: 'works',
};
