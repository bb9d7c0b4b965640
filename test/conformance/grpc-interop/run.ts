// grpc-go's interop client through the proxy to grpc-go's interop server.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import net from 'node:net'
import { freePort, until, withCleanup } from '../../harness/index.ts'
import type { ProxyKind } from '../../harness/index.ts'
import { lastLines, runProgram } from '../result.ts'
import type { CaseResult } from '../result.ts'
import { startStand } from '../stand.ts'

const SOAK = ['--soak_iterations=200', '--soak_max_failures=0', '--soak_per_iteration_max_acceptable_latency_ms=5000', '--soak_overall_timeout_seconds=60', '--soak_min_time_ms_between_rpcs=0', '--soak_num_threads=4']

/** The balancer of the client that looks at load reports: the interop specification asks for it in these cases. */
const ORCA = '--service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'

/** Every case that needs neither TLS nor a cloud's credentials, with more arguments where it takes some. */
export const CASES: readonly (readonly [name: string, ...args: string[]])[] = [
  ['empty_unary'],
  ['large_unary'],
  ['client_streaming'],
  ['server_streaming'],
  ['ping_pong'],
  ['empty_stream'],
  ['timeout_on_sleeping_server'],
  ['cancel_after_begin'],
  ['cancel_after_first_response'],
  ['status_code_and_message'],
  ['special_status_message'],
  ['custom_metadata'],
  ['unimplemented_method'],
  ['unimplemented_service'],
  ['orca_per_rpc', ORCA],
  ['orca_oob', ORCA],
  ['rpc_soak', ...SOAK],
  ['channel_soak', ...SOAK],
]

/** Runs every case whose name contains `only`. */
export function runInterop(programs: { readonly client: string; readonly server: string }, kind: ProxyKind, only = ''): Promise<CaseResult[]> {
  return withCleanup(async (defer) => {
    const origin = await freePort()
    const server = spawn(programs.server, ['--port', String(origin)], { stdio: 'ignore' })
    defer(() => stopChild(server))
    await until('the interop server to listen', () => accepts(origin), { timeoutMs: 15_000 })
    const { port, proxy } = await startStand({ kind, origin, upstream: 'h2' })
    defer(() => proxy.stop(kind === 'envoy' ? 'SIGKILL' : 'SIGTERM'))
    const results: CaseResult[] = []
    for (const [name, ...args] of CASES.filter((one) => one[0].includes(only))) {
      const ran = await runProgram(programs.client, ['--server_host=127.0.0.1', `--server_port=${port}`, `--test_case=${name}`, ...args])
      results.push({ suite: 'grpc-interop', name, verdict: ran.code === 0 ? 'passed' : 'failed', detail: `ended with ${ran.code}: ${lastLines(ran.output)}` })
    }
    return results
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
