/**
 * Proto files of the API that the standard Envoy binary does not link, so that it says `could not find @type` of their messages.
 * Found by comparing the files embedded in Envoy 1.40's binary with the blob. All of `contrib/` is such.
 */
const FILES: ReadonlySet<string> = new Set(
  [
    'config/trace/v3/trace',
    'extensions/filters/http/gzip/v3/gzip',
    'extensions/filters/http/kill_request/v3/kill_request',
    'extensions/grpc_service/call_credentials/access_token/v3/access_token_credentials',
    'extensions/grpc_service/call_credentials/file_based_metadata/v3/file_based_metadata_credentials',
    'extensions/grpc_service/call_credentials/google_compute_engine/v3/google_compute_engine_credentials',
    'extensions/grpc_service/call_credentials/google_iam/v3/google_iam_credentials',
    'extensions/grpc_service/call_credentials/google_refresh_token/v3/google_refresh_token_credentials',
    'extensions/grpc_service/call_credentials/service_account_jwt_access/v3/service_account_jwt_access_credentials',
    'extensions/grpc_service/call_credentials/sts_service/v3/sts_service_credentials',
    'extensions/grpc_service/channel_credentials/google_default/v3/google_default_credentials',
    'extensions/grpc_service/channel_credentials/insecure/v3/insecure_credentials',
    'extensions/grpc_service/channel_credentials/local/v3/local_credentials',
    'extensions/grpc_service/channel_credentials/tls/v3/tls_credentials',
    'extensions/grpc_service/channel_credentials/xds/v3/xds_credentials',
    'extensions/load_balancing_policies/pick_first/v3/pick_first',
    'extensions/load_balancing_policies/random_subsetting/v3/random_subsetting',
    'extensions/outlier_detection_monitors/common/v3/error_types',
    'extensions/outlier_detection_monitors/consecutive_errors/v3/consecutive_errors',
    'extensions/rbac/audit_loggers/stream/v3/stream',
    'extensions/transport_sockets/s2a/v3/s2a',
  ].map((each) => `envoy/${each}.proto`),
);

/** Whether the standard Envoy binary knows the messages of this proto file. */
export function isLinkedFile(file: string): boolean {
  return !file.startsWith('contrib/') && !FILES.has(file);
}
