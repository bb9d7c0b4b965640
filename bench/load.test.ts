import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readReport } from './load.ts'

const REPORT = `Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.81ms  229.56us   6.04ms   91.23%
  Latency Distribution
     50%    1.77ms
     75%    1.85ms
     90%    1.96ms
     99%    1.05s 
  38631 requests in 1.10s, 5.01MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  35117.57
`

it('reads the totals, percentiles and errors of wrk', () => {
  assert.deepEqual(readReport(REPORT), { requests: 38_631, seconds: 1.1, p50: 1_770, p99: 1_050_000, errors: 15 })
})

it('does not take a report without totals for a result', () => {
  assert.throws(() => readReport('unable to connect'), /no totals/)
})
