// The parts of the runner that can be wrong without anybody noticing: reading scenarios, masking, comparing.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { splitResponses } from '../harness/index.ts'
import { toWire } from './client-steps.ts'
import { merged } from './config-builder.ts'
import { canonicalLines, extraTimeDigits, Masker } from './mask.ts'
import { compare } from './observation.ts'
import type { Observation } from './observation.ts'
import { loadScenarios } from './scenario.ts'

describe('request text', () => {
  it('gets CRLF and the empty line', () => {
    assert.equal(toWire('GET / HTTP/1.1\nhost: a'), 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(toWire('GET / HTTP/1.1\nhost: a\n'), 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(toWire('POST / HTTP/1.1\nhost: a\n\nbody\n'), 'POST / HTTP/1.1\r\nhost: a\r\n\r\nbody')
  })
})

describe('masks', () => {
  it('hides dates, ids, times and known ports, and nothing else', () => {
    const masker = new Masker('')
    masker.port(12_345, 'origin')
    const text = 'date: Sat, 21 Nov 2026 15:00:00 GMT\r\nx-request-id: 0f0f0f0f-1111-4222-8333-444444444444\r\nx-envoy-upstream-service-time: 12\r\nhost: 127.0.0.1:12345 127.0.0.1:54321\r\n'
    assert.equal(masker.text(text), 'date: <date>\r\nx-request-id: <uuid-4>\r\nx-envoy-upstream-service-time: <ms>\r\nhost: 127.0.0.1:{origin} 127.0.0.1:54321\r\n')
  })

  it('lets a client keep its name when a connection of the proxy has the same port, until the next case', () => {
    const masker = new Masker('')
    masker.clientPort(40_000, 'client-a')
    masker.upstreamPort(40_000, 'origin-connection-0')
    assert.equal(masker.text('127.0.0.1:40000'), '127.0.0.1:{client-a}')
    masker.beginCase()
    masker.upstreamPort(40_000, 'origin-connection-0')
    assert.equal(masker.text('127.0.0.1:40000'), '127.0.0.1:{origin-connection-0}')
  })

  it('keeps ids that the scenario itself sends, and dates of another form', () => {
    const masker = new Masker('0f0f0f0f-1111-4222-8333-444444444444')
    assert.equal(masker.text('x-request-id: 0f0f0f0f-1111-4222-8333-444444444444'), 'x-request-id: 0f0f0f0f-1111-4222-8333-444444444444')
    assert.equal(masker.text('date: yesterday'), 'date: yesterday')
  })

  it('joins chunks, and shows a cut-off body as it came', () => {
    const lines = (text: string): string[] => canonicalLines(Buffer.from(text), splitResponses(Buffer.from(text)).messages, new Masker(''))
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
    assert.deepEqual(lines(`${head}1\r\na\r\n2\r\nbc\r\n0\r\n\r\n`), lines(`${head}3\r\nabc\r\n0\r\n\r\n`))
    assert.equal(lines(`${head}1\r\na\r\n2\r\nbc\r\n`).join(''), `${head}1\r\na\r\n2\r\nbc\r\n`)
  })

  it('counts the digits that make byte totals vary', () => {
    assert.equal(extraTimeDigits(Buffer.from('x-envoy-upstream-service-time: 123\r\nx-envoy-upstream-service-time: 1\r\n')), 2)
  })
})

describe('comparison', () => {
  const seen: Observation = { clients: { a: { received: ['x: 1\r\n', 'y: 2\r\n'], ended: 'open' } }, origins: {}, log: ['one\n'], stats: { total: 1 } }

  it('finds nothing in equal observations', () => {
    assert.deepEqual(compare(seen, structuredClone(seen)), [])
  })

  it('names what differs: lines, order, endings, missing and changed statistics', () => {
    const other: Observation = { clients: { a: { received: ['y: 2\r\n', 'x: 1\r\n'], ended: 'fin' } }, origins: { origin: [{ received: ['GET'], ended: 'open' }] }, log: ['two\n'], stats: { total: 2, more: 1 } }
    assert.deepEqual(compare(seen, other).map((mismatch) => mismatch.path), ['log', 'clients.a.received.order', 'clients.a.ended', 'origins.origin.0.received', 'origins.origin.0.ended', 'stats.more', 'stats.total'])
  })
})

describe('configuration fragments', () => {
  it('merge objects, replace lists, and remove with null', () => {
    assert.deepEqual(merged({ a: { b: 1, c: [1] }, d: 1 }, { a: { c: [2] }, d: null }), { a: { b: 1, c: [2] } })
  })
})

it('every folder of scenarios is replayed by a file', () => {
  const folders = new Set(loadScenarios().map((scenario) => scenario.id.split('/')[0]))
  const files = readdirSync(path.join(import.meta.dirname, 'replay'))
  const isReplayed = (folder: string): boolean => files.some((file) => file === `${folder}.test.ts` || file.startsWith(`${folder}-`))
  assert.deepEqual([...folders].filter((folder) => !isReplayed(folder)), [])
})
