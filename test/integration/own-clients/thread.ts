// One thread of the proxy without listeners: clusters, and the clients of its own that extensions get, over real sockets.
import type { Message } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js'
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js'
import { loadResource, unpackValidated } from '../../../src/config/index.ts'
import { ConfigErrors } from '../../../src/contract/errors.ts'
import type { FactoryContext } from '../../../src/contract/extension.ts'
import type { GrpcClient, GrpcStreamCallbacks } from '../../../src/contract/grpc-client.ts'
import { expectMessage } from '../../../src/contract/message.ts'
import { ThreadDispatcher } from '../../../src/core/dispatcher/dispatcher.ts'
import { ThreadGrpcClients } from '../../../src/core/grpc/grpc-clients.ts'
import { ThreadAsyncClients } from '../../../src/core/http/async-client.ts'
import { ThreadRuntime } from '../../../src/core/runtime/loader.ts'
import { LocalSharedCells } from '../../../src/core/shared-cells/shared-cells.ts'
import { StatsStore } from '../../../src/core/stats/store.ts'
import { ClusterManagerImpl } from '../../../src/core/upstream/cluster-manager.ts'
import { registry } from '../../../src/extensions/registry.ts'
import { NO_DRAIN } from '../../../src/server/thread-services.ts'

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

export class OwnClientsThread {
  readonly dispatcher = new ThreadDispatcher({ name: 'main_thread' })
  readonly stats = new StatsStore(() => {})
  readonly clusters = new ClusterManagerImpl({ role: 'main' })
  readonly asyncClients: ThreadAsyncClients
  readonly grpcClients: ThreadGrpcClients
  readonly context: FactoryContext

  constructor() {
    const rootScope = this.stats.root()
    const services = {
      dispatcher: this.dispatcher, clusterManager: this.clusters, runtime: new ThreadRuntime([]), rootScope, listenerScope: rootScope,
      loggers: { get: (name: string) => ({ name, enabled: () => false, log: () => {} }) }, sharedCells: new LocalSharedCells(),
      drainDecision: NO_DRAIN, accessLogFiles: { open: () => ({ write: () => {} }) }, localInfo: { nodeId: '', clusterName: '', zone: '' },
      validationOnly: false, messages: { unpack: (any: Any, path: string): Message => unpackValidated(any, path) }, registry,
      listener: { name: '', direction: 'UNSPECIFIED', bufferLimit: 0 } as const, serverHealth: { failed: false },
    }
    const { runtime, loggers } = services
    this.asyncClients = new ThreadAsyncClients({ dispatcher: this.dispatcher, clusterManager: this.clusters, runtime, loggers, rootScope, zone: '' })
    this.grpcClients = new ThreadGrpcClients(services, this.asyncClients)
    this.context = { ...services, asyncClients: this.asyncClients, grpcClients: this.grpcClients }
  }

  /** A cluster of one endpoint that speaks HTTP/2 with these Http2ProtocolOptions. */
  addCluster(name: string, port: number, http2: object = {}, more: object = {}): void {
    const endpoint = { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }
    const message = read<Cluster>('envoy.config.cluster.v3.Cluster', {
      name, type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
      typed_extension_protocol_options: { [HTTP_OPTIONS]: { '@type': `type.googleapis.com/${HTTP_OPTIONS}`, explicit_http_config: { http2_protocol_options: http2 } } },
      ...more,
    })
    this.clusters.addCluster(message, this.context)
  }

  /** A client of a GrpcService given as JSON. */
  client(service: object): GrpcClient {
    return this.grpcClients.getOrCreate(read<GrpcService>('envoy.config.core.v3.GrpcService', service), this.stats.root())
  }

  stat(name: string): number {
    return this.stats.root().counter(name).value
  }

  dispose(): void {
    this.asyncClients.closeAll()
    this.grpcClients.dispose()
    this.clusters.shutdown()
    this.dispatcher.dispose()
  }
}

function read<T extends Message>(typeName: T['$typeName'], json: object): T {
  const result = loadResource({ typeName, text: JSON.stringify(json), file: 'test.json' })
  if (!result.ok) throw new ConfigErrors(result.errors)
  return expectMessage<T>(result.message, typeName)
}

/** How a unary call ended. */
export interface UnaryEnd {
  readonly status: number
  readonly message: string
  readonly response: Buffer | null
}

export function unary(client: GrpcClient, path: string, request: Uint8Array, options: { timeout?: number } = {}): Promise<UnaryEnd> {
  const [service = '', method = ''] = path.split('/')
  return new Promise((resolve) => {
    client.send(service, method, request, {
      onSuccess: (response) => resolve({ status: 0, message: '', response }),
      onFailure: (status, message) => resolve({ status, message, response: null }),
    }, options)
  })
}

/** Keeps what a stream brings. */
export class StreamEvents implements GrpcStreamCallbacks {
  readonly messages: Buffer[] = []
  bytes = 0
  keep = true
  initial: [string, string][] | null = null
  trailing: [string, string][] | null = null
  status: number | null = null
  message = ''
  private waiting: (() => void)[] = []

  onReceiveInitialMetadata(metadata: { entries(): [string, string][] }): void {
    this.initial = metadata.entries()
    this.wake()
  }

  onMessage(message: Buffer): boolean {
    this.bytes += message.length
    if (this.keep) this.messages.push(Buffer.from(message))
    this.wake()
    return true
  }

  onReceiveTrailingMetadata(metadata: { entries(): [string, string][] }): void {
    this.trailing = metadata.entries()
  }

  onRemoteClose(status: number, message: string): void {
    this.status = status
    this.message = message
    this.wake()
  }

  /** Done when `condition` holds; rejects after `timeoutMs`. */
  async until(what: string, condition: () => boolean, timeoutMs = 5_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!condition()) {
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`waited in vain for ${what}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = []
    for (const each of waiting) each()
  }
}
