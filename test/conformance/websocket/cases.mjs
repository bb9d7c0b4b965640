// What clients do. Each case gives what it saw; the judge is the same case without the proxy.
import { frame } from './raw-client.mjs'

const MIB = 1024 * 1024
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]
const bytes = (size) => Buffer.alloc(size, 'nuncio ')

async function see(session, count) {
  const seen = []
  for (let i = 0; i < count; i++) seen.push(await session.next())
  return seen
}

/** Opens, does, and sees so many events in all; then leaves. */
const one = (name, path, count, act, options = {}) => ({
  name,
  needs: options.needs ?? null,
  async run(open) {
    const session = open(path, options)
    const seen = [await session.next()]
    await act(session, seen)
    seen.push(...(await see(session, count)))
    session.terminate()
    return seen
  },
})

const closing = (code, reason) => one(`the client closes with ${code ?? 'no code'}`, '/echo', 1, (s) => s.close(code, reason))
const closed = (code, reason) => one(`the server closes with ${code}`, `/close?code=${code}&reason=${reason}`, 1, (s) => s.send('go'))
const wrong = (name, ...frames) => one(`wrong on purpose: ${name}`, '/echo', 1, (s) => s.raw(Buffer.concat(frames)), { needs: 'raw' })

export const CASES = [
  ...SIZES.map((size) => one(`binary message of ${size} bytes`, '/echo', 1, (s) => s.send(bytes(size)))),
  ...SIZES.map((size) => one(`text message of ${size} bytes`, '/echo', 1, (s) => s.send(bytes(size).toString()))),
  one('text beyond ASCII', '/echo', 1, (s) => s.send('Grüße, 世界 🌍')),
  one('binary message of 16 MiB', '/echo', 1, (s) => s.send(bytes(16 * MIB))),
  one('16 MiB from the server in one message', '/big?size=16777216', 1, (s) => s.send('go')),
  one('200 messages at once', '/echo', 200, (s) => {
    for (let i = 0; i < 200; i++) s.send(`message ${i}`)
  }),
  one('a message in three frames', '/echo', 1, (s) => {
    s.send('one ', { fin: false })
    s.send('two ', { fin: false })
    s.send('three')
  }),
  one('a message in frames with a ping between them', '/echo', 2, (s) => {
    s.send('one ', { fin: false })
    s.ping('now')
    s.send('two')
  }),
  one('300 frames of one byte', '/echo', 1, (s) => {
    for (let i = 0; i < 299; i++) s.send(Buffer.from('x'), { fin: false })
    s.send(Buffer.from('y'))
  }),
  one('frames of the server', '/fragments', 1, (s) => s.send('go')),
  one('ping', '/echo', 1, (s) => s.ping('are you there')),
  one('ping without payload', '/echo', 1, (s) => s.ping('')),
  one('ping of 125 bytes', '/echo', 1, (s) => s.ping(bytes(125))),
  one('pong that nobody asked for', '/echo', 1, (s) => {
    s.pong('hello')
    s.send('after it')
  }),
  one('ping of the server, answered', '/ping', 1, async (s, seen) => {
    s.send('go')
    seen.push(await s.next())
    s.pong(Buffer.from('server'))
  }),
  one('the server speaks first', '/greet', 1, () => {}),
  closing(1000, 'bye'), closing(1001, ''), closing(3000, 'own'), closing(4999, 'ä'.repeat(60)), closing(undefined),
  closed(1000, 'bye'), closed(1001, ''), closed(1011, 'trouble'), closed(4000, 'own'),
  one('the server ends without a word', '/abrupt', 1, (s) => s.send('go')),
  one('the server ends in the middle of a message', '/cut', 1, (s) => s.send('go')),
  one('a message that is too long for the server', '/small', 1, (s) => s.send(bytes(100_000))),
  one('subprotocol', '/echo', 1, (s) => s.send('x'), { protocols: ['second', 'first'] }),
  one('a header of the handshake', '/header', 1, (s) => s.send('go'), { headers: { 'x-token': 'abc' } }),
  one('refused with 403', '/refuse?status=403', 1, () => {}),
  one('refused with 401', '/refuse?status=401', 1, () => {}),
  one('refused with 503', '/refuse?status=503', 1, () => {}),
  one('compressed text', '/echo', 1, (s) => s.send('compress '.repeat(100)), { needs: 'deflate', deflate: true }),
  one('compressed 1 MiB', '/echo', 1, (s) => s.send(bytes(MIB)), { needs: 'deflate', deflate: true }),
  one('compressed empty message', '/echo', 1, (s) => s.send(''), { needs: 'deflate', deflate: true }),
  one('compression that remembers', '/echo', 20, (s) => {
    for (let i = 0; i < 20; i++) s.send(`the same words again, ${i}`)
  }, { needs: 'deflate', deflate: true }),
  one('compressed frames of one message', '/echo', 1, (s) => {
    s.send('one '.repeat(50), { fin: false })
    s.send('two '.repeat(50))
  }, { needs: 'deflate', deflate: true }),
  wrong('a frame without a mask', frame(1, 'x', { masked: false })),
  wrong('a reserved bit', frame(1, 'x', { reserved: 4 })),
  wrong('an opcode that is none', frame(3, 'x')),
  wrong('a ping of 126 bytes', frame(9, bytes(126))),
  wrong('a ping in two frames', frame(9, 'x', { fin: false })),
  wrong('a continuation of nothing', frame(0, 'x')),
  wrong('a message within a message', frame(1, 'x', { fin: false }), frame(1, 'y')),
  wrong('text that is no UTF-8', frame(1, Buffer.from([0xff, 0xfe]))),
  wrong('close with one byte', frame(8, 'x')),
  wrong('close with code 1005', frame(8, Buffer.from([0x03, 0xed]))),
  one('bytes after the close', '/echo', 1, (s) => s.raw(Buffer.concat([frame(8, Buffer.from([0x03, 0xe8])), frame(1, 'late')])), { needs: 'raw' }),
  {
    name: 'the server sees a client that leaves without a word',
    needs: null,
    async run(open) {
      const left = open('/echo?watch=1')
      await left.next()
      left.send('x')
      await left.next()
      left.terminate()
      const watcher = open('/watch')
      const seen = [await watcher.next(), await watcher.next()]
      watcher.terminate()
      return seen
    },
  },
]
