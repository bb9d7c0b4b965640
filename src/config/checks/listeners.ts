import type { Admin } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Address } from '#api/envoy/config/core/v3/address_pb.js';
import type { FilterChain } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import { typeNameOf } from '../message/any.ts';
import { JsonWriter } from '../message/to-json.ts';
import { listenAddressFault } from './addresses.ts';
import type { CheckRun, Checks } from './check-run.ts';
import type { PathStep } from '../message/read-context.ts';

const UDP = 1;
const INTERNAL_EXTENSION = 'envoy.extensions.bootstrap.internal_listener.v3.InternalListener';

function checkAddress(address: Address | undefined, path: readonly PathStep[], run: CheckRun): void {
  if (address?.address.case !== 'socketAddress') return;
  const fault = listenAddressFault(address.address.value);
  if (fault !== null) run.problem([...path, 'socket_address', 'address'], fault.why, fault.hint);
}

/** How Envoy calls a listener in its errors. */
function nameOf(listener: Listener): string {
  if (listener.name !== '') return `named '${listener.name}'`;
  const address = listener.address?.address;
  if (address?.case !== 'socketAddress') return "''";
  const { address: host, portSpecifier } = address.value;
  return `'${host.includes(':') ? `[${host}]` : host}:${portSpecifier.value ?? 0}'`;
}

function checkListener(listener: Listener, run: CheckRun): void {
  const internal = listener.listenerSpecifier.case === 'internalListener';
  // An API listener takes nobody's connections: it needs neither address nor chains.
  if (listener.apiListener !== undefined) return;
  const complain = (path: readonly PathStep[], why: string, hint = ''): void => run.problem(path, `error adding listener ${nameOf(listener)}: ${why}`, hint);
  if (internal) {
    const there = run.bootstrap.bootstrapExtensions.some((each) => typeNameOf(each.typedConfig?.typeUrl ?? '') === INTERNAL_EXTENSION);
    if (!there) complain(['internal_listener'], 'InternalListener bootstrap extension is mandatory', `add to bootstrap_extensions one with type.googleapis.com/${INTERNAL_EXTENSION}`);
  } else if (listener.address === undefined) {
    complain(['address'], 'address is necessary', 'write address: {socket_address: {address: 0.0.0.0, port_value: ...}}');
    return;
  }
  checkAddress(listener.address, ['address'], run);
  listener.additionalAddresses.forEach((each, i) => checkAddress(each.address, ['additional_addresses', i, 'address'], run));
  checkChains(listener, complain);
  matchRules(listener, run, complain);
}

type Complain = (path: readonly PathStep[], why: string, hint?: string) => void;

function checkChains(listener: Listener, complain: Complain): void {
  const count = listener.filterChains.length;
  const address = listener.address?.address;
  const udp = address?.case === 'socketAddress' && address.value.protocol === UDP;
  const quic = listener.udpListenerConfig?.quicOptions !== undefined;
  if (udp && !quic) {
    if (count > 0) complain(['filter_chains'], `${count} filter chain(s) specified for connection-less UDP listener.`, 'HTTP/3 needs udp_listener_config: {quic_options: {}}');
    return;
  }
  if (count === 0 && listener.defaultFilterChain === undefined && !quic && listener.filterChainMatcher === undefined) {
    complain(['filter_chains'], 'no filter chains specified');
  }
}

/** Two chains with the same rules could never be told apart. A matcher of the listener takes the place of the rules. */
function matchRules(listener: Listener, run: CheckRun, complain: Complain): void {
  if (listener.filterChainMatcher !== undefined) return;
  const writer = new JsonWriter(run.api);
  const seen = new Map<string, FilterChain>();
  listener.filterChains.forEach((chain, i) => {
    const match = chain.filterChainMatch;
    for (const name of match?.serverNames ?? []) {
      if (name.includes('*') && !/^\*\.[^*]+$/.test(name)) {
        complain(['filter_chains', i, 'filter_chain_match', 'server_names'], 'partial wildcards are not supported in "server_names"', 'a * may only stand for the first labels: "*.example.com"');
      }
    }
    const text = match === undefined ? '{}' : JSON.stringify(writer.write(run.api.message(match.$typeName), match));
    const twin = seen.get(text);
    if (twin !== undefined) {
      complain(['filter_chains', i], `filter chain '${chain.name}' has the same matching rules defined as '${twin.name}'. duplicate matcher is: ${text}`);
    }
    seen.set(text, chain);
  });
}

function sameAddresses(run: CheckRun): void {
  const seen = new Map<string, Listener>();
  run.bootstrap.staticResources?.listeners.forEach((listener, i) => {
    const address = listener.address?.address;
    if (address?.case !== 'socketAddress') return;
    const { protocol, address: host, portSpecifier, networkNamespaceFilepath: namespace } = address.value;
    // Port 0 is another port for each.
    if (portSpecifier.case !== 'portValue' || portSpecifier.value === 0) return;
    const shown = `${host.includes(':') ? `[${host}]` : host}:${portSpecifier.value}`;
    const key = `${protocol} ${namespace} ${shown}`;
    if (seen.has(key)) {
      const why = `error adding listener: '${listener.name}' has duplicate address '${shown}' as existing listener`;
      run.problem(['static_resources', 'listeners', i, 'address'], why);
    }
    seen.set(key, listener);
  });
}

export const listenerChecks: Checks = {
  'envoy.config.bootstrap.v3.Bootstrap': (_, run) => sameAddresses(run),
  'envoy.config.bootstrap.v3.Admin': (message, run) => checkAddress((message as Admin).address, ['address'], run),
  'envoy.config.listener.v3.Listener': (message, run) => checkListener(message as Listener, run),
};
