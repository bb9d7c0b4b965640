// A client that writes frames itself (RFC 6455), over HTTP/1 or over extended CONNECT (RFC 8441): it can be wrong on purpose.
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import http2 from 'node:http2'
import { describe, Events } from './session.mjs'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** RFC 8441 needs none; a server that speaks HTTP/1 does, and no proxy makes one up. */
const KEY = randomBytes(16).toString('base64')

export function frame(opcode, payload, { fin = true, masked = true, reserved = 0 } = {}) {
  const data = Buffer.from(payload)
  const size = data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + size + (masked ? 4 : 0))
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  head[1] = (masked ? 0x80 : 0) | (size === 0 ? data.length : size === 2 ? 126 : 127)
  if (size === 2) head.writeUInt16BE(data.length, 2)
  if (size === 8) head.writeBigUInt64BE(BigInt(data.length), 2)
  if (!masked) return Buffer.concat([head, data])
  const mask = randomBytes(4)
  mask.copy(head, 2 + size)
  for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3]
  return Buffer.concat([head, data])
}

/** Reads frames of a server; masked ones are an error there. */
class FrameReader {
  constructor(events) {
    this.events = events
    this.pieces = []
    this.have = 0
    this.need = 2
    this.parts = []
    this.kind = 'text'
    this.closed = false
  }

  feed(data) {
    this.pieces.push(data)
    this.have += data.length
    while (this.have >= this.need) {
      const all = this.pieces.length === 1 ? this.pieces[0] : Buffer.concat(this.pieces)
      this.pieces = [all]
      const used = this.readOne(all)
      if (used === 0) return
      this.pieces = [all.subarray(used)]
      this.have -= used
      this.need = 2
    }
  }

  readOne(all) {
    const short = all[1] & 0x7f
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    if (all.length < head) {
      this.need = head
      return 0
    }
    const length = short === 126 ? all.readUInt16BE(2) : short === 127 ? Number(all.readBigUInt64BE(2)) : short
    if (all.length < head + length) {
      this.need = head + length
      return 0
    }
    this.onFrame(all[0] & 0x0f, (all[0] & 0x80) !== 0, all.subarray(head, head + length))
    return head + length
  }

  onFrame(opcode, fin, payload) {
    if (opcode === PING) this.events.push(describe('ping', payload))
    else if (opcode === PONG) this.events.push(describe('pong', payload))
    else if (opcode === CLOSE) {
      this.closed = true
      this.events.push(`close:${payload.length < 2 ? 1005 : payload.readUInt16BE(0)}:${payload.subarray(2).toString()}`)
    } else {
      if (opcode !== CONTINUATION) this.kind = opcode === TEXT ? 'text' : 'binary'
      this.parts.push(Buffer.from(payload))
      if (!fin) return
      const whole = Buffer.concat(this.parts)
      this.parts = []
      this.events.push(describe(this.kind, whole))
    }
  }

  onEnd() {
    if (this.closed) return
    this.closed = true
    this.events.push('close:1006:')
  }
}

function sessionOver(stream, events, terminate) {
  const reader = new FrameReader(events)
  let fragmented = false
  stream.on('data', (data) => reader.feed(data))
  stream.on('error', () => {})
  stream.once('end', () => reader.onEnd())
  stream.once('close', () => reader.onEnd())
  return {
    send(data, { fin = true } = {}) {
      const opcode = fragmented ? CONTINUATION : typeof data === 'string' ? TEXT : BINARY
      fragmented = !fin
      stream.write(frame(opcode, data, { fin }))
    },
    ping: (data) => stream.write(frame(PING, data)),
    pong: (data) => stream.write(frame(PONG, data)),
    close(code, reason = '') {
      const payload = code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)])
      stream.write(frame(CLOSE, payload))
    },
    terminate,
    raw: (bytes) => stream.write(bytes),
  }
}

/** One session; frames that are written before the answer wait for it, as a client does. */
function deferred(events) {
  const waiting = []
  const session = { next: () => events.next(), live: null, gone: false }
  for (const name of ['send', 'ping', 'pong', 'close', 'raw', 'terminate']) {
    session[name] = (...args) => (session.live === null ? waiting.push(() => session.live[name](...args)) : session.live[name](...args))
  }
  session.begin = (opened, stream, terminate) => {
    events.push(opened)
    session.live = sessionOver(stream, events, terminate)
    for (const run of waiting) run()
  }
  return session
}

export const h1 = {
  name: 'frames over HTTP/1',
  open(port, path, { protocols = [], headers = {} } = {}) {
    const events = new Events()
    const session = deferred(events)
    const key = randomBytes(16).toString('base64')
    const request = http.request({ host: '127.0.0.1', port, path, agent: false, headers: { ...headers, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key, ...(protocols.length > 0 ? { 'sec-websocket-protocol': protocols.join(',') } : {}) } })
    request.on('upgrade', (response, socket, head) => {
      const right = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64') === response.headers['sec-websocket-accept']
      if (head.length > 0) socket.unshift(head)
      session.begin(right ? `open:${response.headers['sec-websocket-protocol'] ?? ''}:` : 'open with a wrong key', socket, () => socket.destroy())
    })
    request.on('response', (response) => {
      events.push(`refused:${response.statusCode}`)
      response.resume()
      response.on('close', () => events.push('close:1006:'))
    })
    request.on('error', () => events.push('close:1006:'))
    request.end()
    return session
  },
}

export const h2 = {
  name: 'frames over extended CONNECT',
  open(port, path, { protocols = [], headers = {} } = {}) {
    const events = new Events()
    const session = deferred(events)
    const client = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1024 * 1024 } })
    client.on('error', () => events.push('close:1006:'))
    client.once('remoteSettings', (settings) => {
      if (!settings.enableConnectProtocol) events.push('no extended CONNECT')
      const stream = client.request({ ...headers, ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': `127.0.0.1:${port}`, ':path': path, 'sec-websocket-version': '13', 'sec-websocket-key': KEY, ...(protocols.length > 0 ? { 'sec-websocket-protocol': protocols.join(',') } : {}) })
      stream.on('error', () => {})
      stream.on('close', () => client.close())
      stream.once('response', (response) => {
        if (response[':status'] !== 200) {
          events.push(`refused:${response[':status']}`)
          stream.resume()
          stream.once('close', () => events.push('close:1006:'))
          return
        }
        session.begin(`open:${response['sec-websocket-protocol'] ?? ''}:`, stream, () => stream.close(http2.constants.NGHTTP2_CANCEL))
      })
    })
    return session
  },
}
