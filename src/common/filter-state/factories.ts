import { ConfigError } from '../../contract/errors.ts';
import { fromByteString } from '../byte-string.ts';
import { parseIp } from '../network/cidr.ts';
import { notYet } from '../not-yet.ts';
import { IpObject, NumberObject, TextObject } from './objects.ts';

/** Makes an object of filter state from a byte string; null when the text does not fit. */
export type FilterStateFactory = (text: string) => unknown;

/** `tcp_proxy` connects to this cluster instead of its own. */
export const TCP_PROXY_CLUSTER = 'envoy.tcp_proxy.cluster';
/** The idle timeout of a `tcp_proxy` session, milliseconds. */
export const TCP_PROXY_IDLE_TIMEOUT = 'envoy.tcp_proxy.per_connection_idle_timeout_ms';

const FACTORIES: Readonly<Record<string, FilterStateFactory>> = {
  'envoy.string': (text) => fromByteString(text),
  [TCP_PROXY_CLUSTER]: (text) => new TextObject(text),
  [TCP_PROXY_IDLE_TIMEOUT]: (text) => (/^\s*\+?\d+\s*$/.test(text) && BigInt(text.replace('+', '')) < 2n ** 64n ? new NumberObject(Number(text)) : null),
  'envoy.network.ip': (text) => {
    const words = parseIp(text);
    if (words === null) return null;
    return new IpObject(text, words.length === 1 ? `${text}:0` : `[${text}]:0`);
  },
};

/** Objects of Envoy that nothing here would look at. */
const ABSENT: ReadonlySet<string> = new Set([
  'envoy.network.application_protocols', 'envoy.network.upstream_subject_alt_names', 'envoy.network.upstream_server_name',
  'envoy.network.network_namespace', 'envoy.router.debug_config', 'envoy.upstream.dynamic_host', 'envoy.upstream.dynamic_port',
  'envoy.network.transport_socket.original_dst_address', 'envoy.tcp_proxy.disable_tunneling', 'envoy.ratelimit.hits_addend',
  'envoy.filters.listener.original_dst.local_ip', 'envoy.filters.listener.original_dst.remote_ip',
]);

/** The factory called `name`, for the object `key`. */
export function filterStateFactory(name: string, key: string): FilterStateFactory {
  if (ABSENT.has(name)) throw notYet(`filter state object '${name}'`);
  const factory = Object.hasOwn(FACTORIES, name) ? FACTORIES[name] : undefined;
  if (factory !== undefined) return factory;
  throw new ConfigError(`'${key}' does not have an object factory`, { hint: `set factory_key to one of ${Object.keys(FACTORIES).join(', ')}` });
}
