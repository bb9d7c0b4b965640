// The program as a shell sees it: texts, exit codes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { findProxy, freePorts, leakCheck, withCleanup } from '../../harness/index.ts'
import { adminConfig, edgeConfig } from './configs.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-cli-'))
after(() => rmSync(folder, { recursive: true }))
after(leakCheck())

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const done = spawnSync(findProxy('nuncio').path ?? '', args, { encoding: 'utf8', timeout: 20_000 })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

function file(name: string, text: string): string {
  const full = path.join(folder, name)
  writeFileSync(full, text)
  return full
}

describe('the command', () => {
  it('says its version in the shape of Envoy', () => {
    const { code, out } = run('--version')
    assert.equal(code, 0)
    assert.match(out, /^\n\S+ {2}version: [0-9a-f]{40}\/1\.40\.0-nuncio\.\d+\.\d+\.\d+\/(Clean|Distribution)\/RELEASE\/OpenSSL-\S+\n\n$/)
  })

  it('prints help on standard output, mistakes on standard error', () => {
    const help = run('--help')
    assert.equal(help.code, 0)
    assert.match(help.out, /--config-path/)
    const wrong = run('--foo')
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /^PARSE ERROR: Argument: --foo\n {13}Couldn't find match for argument\n/)
    assert.equal(run('--mode', 'foo').err, "error: unknown mode 'foo'\n")
  })

  it('answers --hot-restart-version', () => {
    assert.deepEqual(run('--hot-restart-version'), { code: 0, out: '', err: 'disabled' })
  })

  it('validates', () => {
    const good = file('good.yaml', edgeConfig({ adminPort: 1, port: 2, originPort: 3 }))
    const done = run('--mode', 'validate', '-c', good)
    assert.equal(done.err.includes('[error]') || done.err.includes('[critical]'), false, done.err)
    assert.equal(done.out, `configuration '${good}' OK\n`)
    assert.equal(done.code, 0)
  })

  it('names every mistake with its place, once, and exits with 1 in both modes', () => {
    const bad = file('bad.yaml', 'admin:\n  adress: {}\nstatic_resources:\n  clusters:\n    - name: c\n      typo: 1\n')
    for (const mode of ['validate', 'serve']) {
      const { code, err } = run('--mode', mode, '-c', bad)
      assert.equal(code, 1, mode)
      assert.match(err, /bad\.yaml:2:3: admin\.adress: [^\n]*\n\s+did you mean address\?/)
      assert.match(err, /bad\.yaml:6:7: static_resources\.clusters\[0\]\.typo/)
      assert.equal(err.match(/admin\.adress/g)?.length, 1)
    }
  })

  it('finds mistakes that only building finds, with their path', () => {
    const twice = edgeConfig({ adminPort: 1, port: 2, originPort: 3 }).replace('  clusters:', '  clusters:\n    - { name: origin, type: STATIC }')
    const { code, err } = run('--mode', 'validate', '-c', file('twice.yaml', twice))
    assert.equal(code, 1)
    assert.match(err, /static_resources\.clusters\[1\]/)
  })

  it('says which file is missing', () => {
    const { code, err } = run('-c', path.join(folder, 'nope.yaml'))
    assert.equal(code, 1)
    assert.match(err, /nope\.yaml/)
  })

  it('says what is wrong when there is no configuration at all', () => {
    const { code, err } = run()
    assert.equal(code, 1)
    assert.match(err, /At least one of --config-path or --config-yaml/)
  })

  it('says that a port is taken, and exits with 1', () =>
    withCleanup(async (defer) => {
      const holder = createServer()
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
      defer(() => new Promise((resolve) => holder.close(resolve)))
      const address = holder.address()
      assert.ok(address !== null && typeof address === 'object')
      const [free] = await freePorts(1)
      const listener = run('-c', file('taken.yaml', edgeConfig({ adminPort: free ?? 0, port: address.port, originPort: 3 })))
      assert.equal(listener.code, 1)
      assert.match(listener.err, new RegExp(`cannot bind '127\\.0\\.0\\.1:${address.port}': Address already in use`))
      assert.match(listener.err, /another process listens there/)
      const admin = run('-c', file('taken-admin.yaml', adminConfig(address.port)))
      assert.equal(admin.code, 1)
      assert.match(admin.err, /Address already in use/)
    }))

  it('starts and stops for --mode init_only', async () => {
    const [adminPort] = await freePorts(1)
    const { code } = run('--mode', 'init_only', '-c', file('init.yaml', adminConfig(adminPort ?? 0)))
    assert.equal(code, 0)
  })

  it('merges --config-yaml over the file', () => {
    const base = file('base.yaml', adminConfig(1))
    const { code, err } = run('--mode', 'validate', '-c', base, '--config-yaml', 'admin: { foo: 1 }')
    assert.equal(code, 1)
    assert.match(err, /--config-yaml:1:10: admin\.foo/)
  })
})
