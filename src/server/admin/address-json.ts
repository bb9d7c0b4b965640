import type { Address } from '../../contract/address.ts';
import { makeMessage } from './json.ts';

/** An address as envoy.config.core.v3.Address. */
export function addressMessage(address: Address): ReturnType<typeof makeMessage> {
  switch (address.kind) {
    case 'ip':
      return makeMessage('envoy.config.core.v3.Address', {
        address: {
          case: 'socketAddress',
          value: makeMessage('envoy.config.core.v3.SocketAddress', {
            address: address.ip,
            portSpecifier: { case: 'portValue', value: address.port },
          }),
        },
      });
    case 'pipe':
      return makeMessage('envoy.config.core.v3.Address', {
        address: { case: 'pipe', value: makeMessage('envoy.config.core.v3.Pipe', { path: address.text }) },
      });
    case 'internal':
      return makeMessage('envoy.config.core.v3.Address', {
        address: {
          case: 'envoyInternalAddress',
          value: makeMessage('envoy.config.core.v3.EnvoyInternalAddress', {
            addressNameSpecifier: { case: 'serverListenerName', value: address.ip },
          }),
        },
      });
  }
}
