import type { ExtensionFactory } from '../../../../contract/extension.ts';

/** `early_header_mutation_extensions` of a connection manager, which builds it itself from common/header-mutations. */
export const earlyHeaderMutation: ExtensionFactory = {
  name: 'envoy.http.early_header_mutation.header_mutation',
  category: 'envoy.http.early_header_mutation',
  configTypes: ['envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation'],
  status: 'works',
};
