import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readJUnit } from './junit.ts'

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="5.1. Stream States" package="http2/5.1" id="5.1" tests="3" skipped="1" failures="0" errors="1">
    <testcase package="http2/5.1" classname="idle: Sends a &#34;DATA&#34; frame" time="0.0005"></testcase>
    <testcase package="http2/5.1" classname="closed: Sends a DATA frame" time="3.0">
      <error>GOAWAY Frame (Error Code: STREAM_CLOSED)
Connection closed
Timeout</error>
    </testcase>
    <testcase package="http2/5.1" classname="other" time="0"><skipped></skipped></testcase>
  </testsuite>
  <testsuite name="7. Error Codes" package="http2/7" id="7" tests="1">
    <testcase package="http2/7" classname="Sends a GOAWAY frame" time="0.1"></testcase>
  </testsuite>
</testsuites>`

describe('report of h2spec', () => {
  it('gives every case with its verdict', () => {
    assert.deepEqual(
      readJUnit(REPORT, 'direct').map((one) => [one.name, one.verdict]),
      [['http2/5.1 (5.1. Stream States) idle: Sends a "DATA" frame', 'passed'], ['http2/5.1 (5.1. Stream States) closed: Sends a DATA frame', 'failed'], ['http2/5.1 (5.1. Stream States) other', 'skipped'], ['http2/7 (7. Error Codes) Sends a GOAWAY frame', 'passed']],
    )
  })

  it('says what was expected and what came', () => {
    assert.equal(readJUnit(REPORT, 'direct')[1]?.detail, 'expected GOAWAY Frame (Error Code: STREAM_CLOSED) or Connection closed\ngot      Timeout')
  })

  it('finds nothing in nothing', () => {
    assert.deepEqual(readJUnit('', 'direct'), [])
  })
})
