import type { CidrRange } from '#api/envoy/config/core/v3/address_pb.js';
import { isIpAddress } from './addresses.ts';
import type { CheckRun, Checks } from './check-run.ts';

function checkRange(range: CidrRange, run: CheckRun): void {
  if (isIpAddress(range.addressPrefix)) return;
  const hint = range.addressPrefix.includes('/') ? 'write the address in address_prefix and the number after the slash in prefix_len' : '';
  run.problem(['address_prefix'], `malformed IP address: ${range.addressPrefix}`, hint);
}

export const cidrChecks: Checks = {
  'envoy.config.core.v3.CidrRange': (message, run) => checkRange(message as CidrRange, run),
};
