// `npm run conformance SUITE`: suites that others wrote, against a running proxy. See README.md.
import { parseArgs } from 'node:util'
import { ensureTool } from '../../tools/test-deps/tools.js'
import type { ProxyKind } from '../harness/index.ts'
import { runInterop } from './grpc-interop/run.ts'
import { runH2spec } from './h2spec/run.ts'
import { report } from './result.ts'
import type { CaseResult } from './result.ts'

const SUITES = ['h2spec', 'grpc-interop', 'grpc-clients', 'grpc-bridges', 'websocket'] as const
type Suite = (typeof SUITES)[number]

const HELP = `npm run conformance -- [SUITE…] [--proxy envoy|nuncio] [--only TEXT]
  suites: ${SUITES.join(' ')} (default: all)
  --only: h2spec: a section such as http2/5.1; others: cases whose name contains it`

function tool(name: string): string {
  const found = ensureTool(name, { install: true })
  if (found.path === null) throw new Error(`${name} cannot be had: ${found.reason}`)
  return found.path
}

async function run(suite: Suite, kind: ProxyKind, only: string | undefined): Promise<CaseResult[]> {
  if (suite === 'h2spec') return runH2spec(tool('h2spec'), kind, only)
  if (suite === 'grpc-interop') return runInterop({ client: tool('grpc-interop-client'), server: tool('grpc-interop-server') }, kind, only)
  if (suite === 'websocket') return (await import('./websocket/run.ts')).runWebSocket(kind, only)
  const { runBridges, runClients } = await import('./grpc-clients/run.ts')
  return suite === 'grpc-bridges' ? runBridges(kind, only) : runClients(kind, only)
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { proxy: { type: 'string', default: 'nuncio' }, only: { type: 'string' }, help: { type: 'boolean' } } })
  const kind = values.proxy
  const wrong = positionals.find((name) => !SUITES.some((suite) => suite === name))
  if (values.help === true || wrong !== undefined || (kind !== 'nuncio' && kind !== 'envoy')) {
    console.log(wrong === undefined ? HELP : `no such suite: ${wrong}\n${HELP}`)
    return values.help === true ? 0 : 2
  }
  let status = 0
  for (const suite of SUITES) {
    if (positionals.length === 0 || positionals.includes(suite)) status = Math.max(status, report(await run(suite, kind, values.only), `${suite} (${kind})`))
  }
  return status
}

process.exitCode = await main()
