import { crypto } from '../base/crypto.ts';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import type { Logger } from '../contract/logger.ts';
import { LOG_WARNING } from '../contract/logger.ts';
import type { ListenOrder } from './worker-messages.ts';

/** TrafficDirection.INBOUND */
const INBOUND = 1;

export interface PlannedListener {
  /** The configured name; Envoy gives nameless listeners a UUID. */
  readonly name: string;
  readonly message: Listener;
}

/** Which listeners there are, on which ports, and on how many workers. */
export class ListenPlan {
  readonly listeners: readonly PlannedListener[];
  readonly orders: readonly ListenOrder[];
  /** Listeners that only one worker can open. */
  readonly singleWorker: ReadonlySet<string>;

  constructor(bootstrap: Bootstrap, ephemeralPorts: boolean, workers: number, logger: Logger) {
    this.listeners = (bootstrap.staticResources?.listeners ?? []).map((message) => ({
      name: message.name === '' ? crypto().randomUUID() : message.name,
      message,
    }));
    this.orders = this.listeners
      .filter(({ message }) => message.bindToPort !== false)
      .map(({ name, message }) => ({ name, ports: portsOf(message, ephemeralPorts) }));
    this.singleWorker = new Set(this.listeners.filter(({ message }) => needsOneWorker(message)).map(({ name }) => name));
    if (workers === 1) return;
    for (const name of this.singleWorker) {
      logger.log(LOG_WARNING, `listener ${name}: only worker_0 accepts connections (the socket cannot be shared between workers)`);
    }
  }

  names(inboundOnly: boolean): string[] {
    return this.listeners.filter(({ message }) => !inboundOnly || message.trafficDirection === INBOUND).map(({ name }) => name);
  }
}

function portsOf(message: Listener, ephemeral: boolean): (number | null)[] {
  return Array.from({ length: 1 + message.additionalAddresses.length }, () => (ephemeral ? 0 : null));
}

/** A unix socket has one owner; without SO_REUSEPORT (or where the platform does not balance it) a port has one too. */
function needsOneWorker(message: Listener): boolean {
  if (message.enableReusePort === false || process.platform !== 'linux') return true;
  return [message.address, ...message.additionalAddresses.map((each) => each.address)].some((each) => each?.address.case === 'pipe');
}
