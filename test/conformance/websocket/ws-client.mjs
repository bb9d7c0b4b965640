// The npm package `ws` as a client.
import { WebSocket } from 'ws'
import { describe, Events } from './session.mjs'

export const name = 'ws'

export function open(port, path, { deflate = false, protocols = [], headers = {} } = {}) {
  const events = new Events()
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { perMessageDeflate: deflate ? { threshold: 0 } : false, headers, maxPayload: 64 * 1024 * 1024 })
  socket.on('open', () => events.push(`open:${socket.protocol}:${socket.extensions.split(';')[0]}`))
  socket.on('message', (data, binary) => events.push(describe(binary ? 'binary' : 'text', data)))
  socket.on('ping', (data) => events.push(describe('ping', data)))
  socket.on('pong', (data) => events.push(describe('pong', data)))
  socket.on('unexpected-response', (_request, response) => {
    events.push(`refused:${response.statusCode}`)
    socket.terminate()
  })
  socket.on('close', (code, reason) => events.push(`close:${code}:${reason}`))
  socket.on('error', () => {})
  return {
    next: () => events.next(),
    send: (data, { fin = true } = {}) => socket.send(data, { fin, binary: typeof data !== 'string' }),
    ping: (data) => socket.ping(data),
    pong: (data) => socket.pong(data),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    raw: null,
  }
}
