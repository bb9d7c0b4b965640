import type { AdminHandler } from '../../contract/admin.ts';
import type { AdminContext } from './context.ts';

const OK = { status: 200, body: 'OK\n' };

/** Pages that do something: `/quitquitquit`, `/healthcheck/*`, `/drain_listeners`, `/reset_counters`, `/reopen_logs`. */
export function serverCommandPages(context: AdminContext): AdminHandler[] {
  const command = (path: string, help: string, act: (query: URLSearchParams) => void, parameters: AdminHandler['parameters'] = []): AdminHandler => ({
    path,
    help,
    mutates: true,
    parameters,
    handle: (request) => {
      act(request.query);
      return OK;
    },
  });
  return [
    command('/quitquitquit', 'exit the server', () => context.quit()),
    command('/healthcheck/fail', 'cause the server to fail health checks', () => context.failHealthcheck(true)),
    command('/healthcheck/ok', 'cause the server to pass health checks', () => context.failHealthcheck(false)),
    command('/reset_counters', 'reset all counters to zero', () => context.resetCounters()),
    command('/reopen_logs', 'reopen access logs', () => context.reopenLogs()),
    command(
      '/drain_listeners',
      'drain listeners',
      (query) =>
        context.drainListeners({
          graceful: query.has('graceful'),
          skipExit: query.has('skip_exit'),
          inboundOnly: query.has('inboundonly'),
        }),
      [
        {
          id: 'graceful',
          help: 'When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and duration is configurable via server options or CLI',
        },
        {
          id: 'skip_exit',
          help: 'When draining listeners, drain the connections but never stop the listeners. The graceful parameter has no effect when this is set, since the drain period only delays stopping the listeners',
        },
        {
          id: 'inboundonly',
          help: 'Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.',
        },
      ],
    ),
  ];
}
