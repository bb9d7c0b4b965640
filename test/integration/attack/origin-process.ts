// An origin in a process of its own, to be killed. Usage: node origin-process.ts PORT (0 = any); prints the port when it listens.
import net from 'node:net'

const RESPONSE = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'

const server = net.createServer((socket) => {
  let tail = ''
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (data) => {
    const heads = (tail + data.toString('latin1')).split('\r\n\r\n')
    tail = heads.pop() ?? ''
    if (heads.length > 0) socket.write(RESPONSE.repeat(heads.length))
  })
})

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`)
})
