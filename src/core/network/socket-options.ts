import type { SocketOption } from '#api/envoy/config/core/v3/socket_option_pb.js';
import type { TcpKeepalive } from '#api/envoy/config/core/v3/address_pb.js';
import { notYet } from '../../common/not-yet.ts';
import type { Logger } from '../../contract/logger.ts';
import { LOG_WARNING } from '../../contract/logger.ts';

/** What the platform's sockets let us set. */
export interface SocketTuning {
  /** Seconds of idleness before keep-alive probes; 0 = off. */
  readonly keepAliveSeconds: number;
}

export const NO_TUNING: SocketTuning = { keepAliveSeconds: 0 };

/** Linux numbers. */
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_KEEPALIVE = 9;
const SO_REUSEPORT = 15;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
/** tcp_keepalive_time of Linux. */
const DEFAULT_KEEPIDLE_S = 7_200;

/** Options that every socket here has anyway, when set to 1. */
function isGiven(option: SocketOption): boolean {
  const level = Number(option.level);
  const name = Number(option.name);
  if (option.value.case !== 'intValue' || option.value.value !== 1n) return false;
  return (level === SOL_SOCKET && (name === SO_REUSEADDR || name === SO_REUSEPORT)) || (level === IPPROTO_TCP && name === TCP_NODELAY);
}

/** Reads raw socket options: keep-alive and what is always on; anything else is refused, with its numbers. */
export function readSocketOptions(options: readonly SocketOption[], path: string): SocketTuning {
  let keepAlive = false;
  let idle = DEFAULT_KEEPIDLE_S;
  options.forEach((option, i) => {
    const level = Number(option.level);
    const name = Number(option.name);
    const value = option.value.case === 'intValue' ? Number(option.value.value) : -1;
    if (level === SOL_SOCKET && name === SO_KEEPALIVE && value >= 0) keepAlive = value !== 0;
    else if (level === IPPROTO_TCP && name === TCP_KEEPIDLE && value > 0) idle = value;
    else if (!isGiven(option)) throw notYet(`socket option level ${level} name ${name}`, `${path}[${i}]`);
  });
  return keepAlive ? { keepAliveSeconds: idle } : NO_TUNING;
}

/** Reads tcp_keepalive. Probes and interval are the platform's (10 probes, 1 s apart): said in a warning. */
export function readTcpKeepalive(message: TcpKeepalive | undefined, fallback: SocketTuning, logger: Logger, where: string): SocketTuning {
  if (message === undefined) return fallback;
  if (message.keepaliveProbes !== undefined || message.keepaliveInterval !== undefined) {
    logger.log(LOG_WARNING, `${where}: tcp_keepalive: keepalive_probes and keepalive_interval are the platform's (10 probes, 1 s apart)`);
  }
  return { keepAliveSeconds: message.keepaliveTime ?? DEFAULT_KEEPIDLE_S };
}
