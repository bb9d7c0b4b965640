import type { AdminHandler } from '../../contract/admin.ts';
import { addressMessage } from './address-json.ts';
import type { AdminContext } from './context.ts';
import { makeMessage, messageJson } from './json.ts';
import { JSON_TYPE, choice } from './router.ts';

/** `/listeners`. */
export function listenersPage(context: AdminContext): AdminHandler {
  return {
    path: '/listeners',
    help: 'print listener info',
    mutates: false,
    parameters: [choice('format', 'File format to use', ['text', 'json'])],
    handle: (request) => {
      if (request.query.get('format') === 'json') return { status: 200, contentType: JSON_TYPE, body: asJson(context) };
      let body = '';
      for (const listener of context.listeners()) {
        for (const address of listener.addresses) body += `${listener.name}::${address.text}\n`;
      }
      return { status: 200, body };
    },
  };
}

function asJson(context: AdminContext): string {
  const listenerStatuses = context.listeners().map((listener) => {
    const [first, ...more] = listener.addresses;
    return makeMessage('envoy.admin.v3.ListenerStatus', {
      name: listener.name,
      ...(first === undefined ? {} : { localAddress: addressMessage(first) }),
      additionalLocalAddresses: more.map(addressMessage),
    });
  });
  return messageJson(makeMessage('envoy.admin.v3.Listeners', { listenerStatuses }));
}
