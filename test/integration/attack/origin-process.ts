// An origin in a process of its own, to be killed. Usage: node origin-process.ts PORT [h2] (port 0 = any); prints the port when it listens.
import http2 from 'node:http2'
import net from 'node:net'

const RESPONSE = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'

function http1Origin(): net.Server {
  return net.createServer((socket) => {
    let tail = ''
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      const heads = (tail + data.toString('latin1')).split('\r\n\r\n')
      tail = heads.pop() ?? ''
      if (heads.length > 0) socket.write(RESPONSE.repeat(heads.length))
    })
  })
}

function http2Origin(): http2.Http2Server {
  const server = http2.createServer()
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200 })
    stream.end('hello')
  })
  return server
}

const server = process.argv[3] === 'h2' ? http2Origin() : http1Origin()
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
