import type { CidrRange } from '#api/envoy/config/core/v3/address_pb.js';
import type { TlsKeyLog } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { CidrSet } from '../../common/network/cidr.ts';
import type { Address } from '../../contract/address.ts';
import { configAt } from '../../contract/errors.ts';
import type { AccessLogFile, AccessLogFiles } from '../../contract/extension.ts';

/** `key_log`: the secrets of connections between the given addresses, in the format of NSS, which Wireshark reads. */
export class KeyLog {
  private readonly file: AccessLogFile;
  private readonly local: CidrSet;
  private readonly remote: CidrSet;

  /** Throws ConfigError when the file cannot be opened. */
  constructor(message: TlsKeyLog, files: AccessLogFiles) {
    this.local = configAt('local_address_range', () => rangesOf(message.localAddressRange));
    this.remote = configAt('remote_address_range', () => rangesOf(message.remoteAddressRange));
    this.file = configAt('path', () => files.open(message.path));
  }

  /** No range at all means every address. */
  write(line: Buffer, local: Address, remote: Address): void {
    if (this.local.size > 0 && !this.local.has(local.ip)) return;
    if (this.remote.size > 0 && !this.remote.has(remote.ip)) return;
    const text = line.toString('latin1');
    this.file.write(text.endsWith('\n') ? text : `${text}\n`);
  }
}

function rangesOf(ranges: readonly CidrRange[]): CidrSet {
  const set = new CidrSet();
  for (const { addressPrefix, prefixLen } of ranges) set.add(addressPrefix, prefixLen ?? 0);
  return set;
}
