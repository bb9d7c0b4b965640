/** The two parts of a gRPC path. */
export interface GrpcMethod {
  /** `package.Service` */
  readonly service: string;
  readonly method: string;
}

const SLASH = 0x2f;

/**
 * Service and method of a `:path` such as `/package.Service/Method`, or null. As Envoy reads it: the query does not count and empty segments
 * are skipped, so `//s//m/` is a method too.
 */
export function grpcMethodOf(path: string | undefined): GrpcMethod | null {
  if (path === undefined) return null;
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  let service = '';
  let method = '';
  let at = 0;
  while (at < end) {
    while (at < end && path.charCodeAt(at) === SLASH) at++;
    if (at === end) break;
    let next = path.indexOf('/', at);
    if (next < 0 || next > end) next = end;
    if (method !== '') return null;
    if (service === '') service = path.slice(at, next);
    else method = path.slice(at, next);
    at = next;
  }
  return method === '' ? null : { service, method };
}
