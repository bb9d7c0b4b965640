import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { ConnectionManager } from '../../../../core/http/connection-manager.ts';
import { HTTP_CONNECTION_MANAGER, connectionManagerConfig } from './config.ts';

export const httpConnectionManager: NetworkFilterFactory = {
  name: 'envoy.filters.network.http_connection_manager',
  category: 'envoy.filters.network',
  configTypes: [HTTP_CONNECTION_MANAGER],
  status: 'partly',
  statusNote: 'no HTTP/3, RDS, scoped routes, tracing, overload manager, client certificate details',
  terminal: true,

  create(message, context) {
    const config = connectionManagerConfig(message, context);
    return (connection) => connection.addReadFilter(new ConnectionManager(config, connection));
  },
};
