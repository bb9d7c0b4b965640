import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readGrpcLoad, readH2load, readReport } from './load.ts'

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

const H2LOAD = `finished in 1.50s, 52396.00 req/s, 51.37MB/s
requests: 78594 total, 79106 started, 78594 done, 78590 succeeded, 4 failed, 2 errored, 1 timeout
status codes: 78590 2xx, 0 3xx, 0 4xx, 4 5xx
                     min         max         mean         sd        +/- sd
time for request:      991us     27.71ms      9.35ms      3.10ms    77.96%
`

describe("h2load's report", () => {
  it('gives what succeeded, the time, the mean and all kinds of errors', () => {
    assert.deepEqual(readH2load(H2LOAD), { requests: 78_590, seconds: 1.5, p50: 9_350, p99: Number.NaN, errors: 7 })
  })

  it('must be whole', () => {
    assert.throws(() => readH2load('finished in 1.50s, 1 req/s'), /no totals/)
  })
})

it('reads the report of grpc-load', () => {
  assert.deepEqual(readGrpcLoad('{"calls":7,"seconds":2.5,"p50":1,"p99":2,"errors":0}\n'), { requests: 7, seconds: 2.5, p50: 1, p99: 2, errors: 0 })
})
