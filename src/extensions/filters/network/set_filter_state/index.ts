import type { Config } from '#api/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js';
import { FilterStateSetter } from '../../../../common/filter-state/set-filter-state.ts';
import { refuseFields } from '../../../../common/not-yet.ts';
import type { NetworkFilterFactory } from '../../../../contract/extension.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { SetFilterStateFilter } from './filter.ts';

export const SET_FILTER_STATE = 'envoy.extensions.filters.network.set_filter_state.v3.Config';

export const setFilterStateFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.set_filter_state',
  category: 'envoy.filters.network',
  configTypes: [SET_FILTER_STATE],
  status: 'partly',
  statusNote: 'with `on_new_connection` only; without objects that are shared with upstream connections',
  terminal: false,

  create(message) {
    const config = expectMessage<Config>(message, SET_FILTER_STATE);
    refuseFields(config, SET_FILTER_STATE, { onDownstreamTlsHandshake: 'on_downstream_tls_handshake', onDownstreamData: 'on_downstream_data' });
    const setter = new FilterStateSetter(config.onNewConnection, 'on_new_connection');
    return (connection) => connection.addReadFilter(new SetFilterStateFilter(setter));
  },
};
