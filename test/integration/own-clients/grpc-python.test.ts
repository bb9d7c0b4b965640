// The proxy's own gRPC client and its gRPC health checks against Python's grpcio.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { ensureTool } from '../../../tools/test-deps/tools.js'
import { leakCheck, until } from '../../harness/index.ts'
import { OwnClientsThread, StreamEvents, unary } from './thread.ts'

const python = ensureTool('grpcio', { install: false })
const check = leakCheck()
after(check)

describe('grpcio', { skip: python.path === null ? python.reason : false }, () => {
  let peer: ChildProcess
  let lines: Interface
  let thread: OwnClientsThread
  let port = 0

  const nextLine = (): Promise<string> => new Promise((resolve) => lines.once('line', resolve))

  before(async () => {
    peer = spawn('python3', [path.join(import.meta.dirname, 'grpc_peer.py')], { env: { ...process.env, PYTHONPATH: python.path ?? '' }, stdio: ['pipe', 'pipe', 'inherit'] })
    if (peer.stdout === null) throw new Error('no output')
    lines = createInterface(peer.stdout)
    port = Number(await nextLine())
    thread = new OwnClientsThread()
    thread.addCluster('svc', port)
  })

  after(async () => {
    thread.dispose()
    const ended = new Promise((resolve) => peer.once('exit', resolve))
    peer.stdin?.end()
    await ended
    lines.close()
  })

  it('unary: small, large, empty; a status with its message and metadata', async () => {
    const client = thread.client({ envoy_grpc: { cluster_name: 'svc' } })
    for (const size of [0, 1, 100_000, 5_000_000]) {
      const end = await unary(client, 't.S/Echo', Buffer.alloc(size, 3))
      assert.deepEqual([end.status, end.response?.length], [0, size])
    }
    assert.deepEqual(await unary(client, 't.S/Fail', Buffer.from('x')), { status: 9, message: '50 %25 %C3%A4{via_upstream}', response: null })
    assert.equal((await unary(client, 't.S/None', Buffer.from('x'))).status, 12)
  })

  it('streams, and metadata both ways', async () => {
    const client = thread.client({ envoy_grpc: { cluster_name: 'svc' }, initial_metadata: [{ key: 'x-m', value: 'mine' }] })
    const counted = new StreamEvents()
    client.start('t.S', 'Count', counted)?.sendMessage(Buffer.from('500'), true)
    await counted.until('the end', () => counted.status !== null)
    assert.deepEqual([counted.messages.length, String(counted.messages[499]), counted.status], [500, '499', 0])
    const talked = new StreamEvents()
    const stream = client.start('t.S', 'Talk', talked)
    for (let i = 0; i < 100; i++) {
      stream?.sendMessage(Buffer.from(`m${i}`), false)
      await talked.until('the echo', () => talked.messages.length > i)
    }
    stream?.closeStream()
    await talked.until('the end', () => talked.status !== null)
    assert.ok(talked.initial?.some(([name, value]) => name === 'x-seen' && value === 'mine'))
    assert.deepEqual([talked.messages.length, talked.status], [100, 0])
  })

  it('a deadline, told to the server and kept by the proxy', async () => {
    const client = thread.client({ envoy_grpc: { cluster_name: 'svc' } })
    const events = new StreamEvents()
    client.start('t.S', 'Slow', events, { timeout: 10_000 })?.sendMessage(Buffer.from('x'), true)
    await events.until('the end', () => events.status !== null)
    assert.ok(events.trailing?.some(([name, value]) => name === 'x-left' && value === 'some'))
    const late = await unary(client, 't.S/Slow', Buffer.from('x'), { timeout: 100 })
    assert.ok([4, 14].includes(late.status), `${late.status} ${late.message}`)
    const google = thread.client({ google_grpc: { target_uri: `127.0.0.1:${port}`, stat_prefix: 'py' } })
    assert.equal((await unary(google, 't.S/Echo', Buffer.from('x'))).status, 0)
    assert.equal((await unary(google, 't.S/Slow', Buffer.from('x'), { timeout: 100 })).status, 4)
  })

  it('health checks follow what the server says', async () => {
    const often = { timeout: '1s', interval: '0.02s', no_traffic_interval: '0.02s', unhealthy_threshold: 1, healthy_threshold: 1 }
    thread.addCluster('checked', port, {}, { health_checks: [{ ...often, grpc_health_check: { service_name: 'known' } }] })
    thread.addCluster('unknown', port, {}, { health_checks: [{ ...often, grpc_health_check: { service_name: 'other' } }] })
    thread.clusters.start(() => {})
    const flags = (name: string): number => thread.clusters.getThreadLocalCluster(name)?.hosts[0].healthFlags.load() ?? -1
    const set = async (status: number): Promise<void> => {
      const answered = nextLine()
      peer.stdin?.write(`${status}\n`)
      await answered
    }
    await until('the host to be healthy', () => flags('checked') === 0)
    assert.notEqual(flags('unknown'), 0)
    await set(2)
    await until('the host to be unhealthy', () => flags('checked') !== 0)
    await set(1)
    await until('the host to be healthy again', () => flags('checked') === 0)
    thread.clusters.removeCluster('checked', thread.context)
    thread.clusters.removeCluster('unknown', thread.context)
  })
})
