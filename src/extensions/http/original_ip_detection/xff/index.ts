import type { ExtensionFactory } from '../../../../contract/extension.ts';

/** `original_ip_detection_extensions` of a connection manager, which builds it itself (core/http/xff). */
export const xffOriginalIpDetection: ExtensionFactory = {
  name: 'envoy.http.original_ip_detection.xff',
  category: 'envoy.http.original_ip_detection',
  configTypes: ['envoy.extensions.http.original_ip_detection.xff.v3.XffConfig'],
  status: 'works',
};
