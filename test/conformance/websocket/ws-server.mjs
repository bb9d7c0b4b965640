// The npm package `ws` as a server. Prints `port N`.
import http from 'node:http'
import { WebSocketServer } from 'ws'

const server = http.createServer((_request, response) => response.writeHead(404).end('no page'))
const options = { noServer: true, perMessageDeflate: { threshold: 0 }, handleProtocols: (offered) => (offered.has('first') ? 'first' : false) }
const sockets = new WebSocketServer({ ...options, maxPayload: 64 * 1024 * 1024 })
const small = new WebSocketServer({ ...options, maxPayload: 1_000 })
/** How the last watched connection ended, and who waits to hear it. */
let ended = null
let watcher = null

function tell() {
  if (ended === null || watcher === null) return
  watcher.send(ended)
  ended = null
  watcher = null
}

function serve(socket, request) {
  const url = new URL(request.url, 'http://a')
  socket.on('error', () => {})
  if (url.searchParams.has('watch')) {
    socket.on('close', (code) => {
      ended = `ended ${code}`
      tell()
    })
  }
  if (url.pathname === '/greet') socket.send('welcome')
  if (url.pathname === '/watch') {
    watcher = socket
    tell()
  }
  if (url.pathname === '/ping') socket.on('pong', (data) => socket.send(`pong ${data}`))
  socket.on('message', (data, binary) => {
    switch (url.pathname) {
      case '/close': return socket.close(Number(url.searchParams.get('code')), url.searchParams.get('reason'))
      case '/big': return socket.send(Buffer.alloc(Number(url.searchParams.get('size')), 'big '))
      case '/ping': return socket.ping('server')
      case '/abrupt': return socket._socket.destroy()
      case '/cut':
        socket._socket.write(Buffer.from([0x82, 0x7e, 0x10, 0x00, 1, 2, 3]))
        return socket._socket.end()
      case '/header': return socket.send(request.headers['x-token'] ?? 'none')
      case '/fragments':
        socket.send('one ', { fin: false })
        socket.send('two ', { fin: false })
        return socket.send('three', { fin: true })
      default: return socket.send(data, { binary })
    }
  })
}

server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://a')
  if (url.pathname === '/refuse') return socket.end(`HTTP/1.1 ${url.searchParams.get('status')} No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno`)
  const chosen = url.pathname === '/small' ? small : sockets
  chosen.handleUpgrade(request, socket, head, (websocket) => serve(websocket, request))
})
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
