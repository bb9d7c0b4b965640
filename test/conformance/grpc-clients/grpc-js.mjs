// @grpc/grpc-js as server (`serve`) and as client (`call PORT ONLY`).
import grpc from '@grpc/grpc-js'
import { play, unaryAnswer } from './calls.mjs'

// google.protobuf.BytesValue by hand: field 1, bytes. A message is {text}, because an empty text would count as none.
function encode({ text }) {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length === 0) return bytes
  const head = [0x0a]
  let left = bytes.length
  for (; left >= 128; left = Math.floor(left / 128)) head.push((left % 128) + 128)
  return Buffer.concat([Buffer.from([...head, left]), bytes])
}

function decode(bytes) {
  if (bytes.length === 0) return { text: '' }
  let at = 1
  while (bytes[at] >= 128) at += 1
  return { text: bytes.toString('utf8', at + 1) }
}

const method = (name, requestStream, responseStream) => ({ path: `/nuncio.test.Echo/${name}`, requestStream, responseStream, requestSerialize: encode, requestDeserialize: decode, responseSerialize: encode, responseDeserialize: decode })
const SERVICE = { Unary: method('Unary', false, false), Stream: method('Stream', false, true), Collect: method('Collect', true, false), Chat: method('Chat', true, true) }
const CLIENT_SERVICE = { ...SERVICE, Unknown: method('Unknown', false, false) }
const SIZES = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 }

function serve() {
  const state = { cancelled: 0 }
  const countCancel = (call) => call.on('cancelled', () => (state.cancelled += 1))
  const server = new grpc.Server({ ...SIZES, 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip })
  server.addService(SERVICE, {
    Unary(call, callback) {
      const headers = new grpc.Metadata()
      const trailers = new grpc.Metadata()
      for (const value of call.metadata.get('x-echo')) headers.add('x-echo', value)
      for (const value of call.metadata.get('x-trail-bin')) trailers.add('x-trail-bin', value)
      call.sendMetadata(headers)
      try {
        const answer = unaryAnswer(call.request.text, state)
        if (answer === null) countCancel(call)
        else callback(null, { text: answer }, trailers)
      } catch (error) {
        callback({ code: error.status, details: error.message })
      }
    },
    Stream(call) {
      for (let index = 0; index < Number(call.request.text.slice('count:'.length)); index++) call.write({ text: String(index) })
      call.end()
    },
    Collect(call, callback) {
      let [count, bytes] = [0, 0]
      call.on('data', ({ text }) => {
        count += 1
        bytes += text.length
      })
      call.on('end', () => callback(null, { text: `${count}:${bytes}` }))
    },
    Chat(call) {
      call.on('data', (message) => {
        if (message.text === 'sleep') countCancel(call)
        call.write(message)
      })
      call.on('end', () => call.end())
      call.on('error', () => undefined)
    },
  })
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error
    console.log(`port ${port}`)
  })
}

const withRaw = (error) => Object.assign(new Error(error.message), { code: error.code, rawMessage: error.details })
const asText = (metadata, name) => {
  const value = metadata?.get(name)[0]
  return Buffer.isBuffer(value) ? value.toString('base64') : value
}

function metadataOf(given = {}) {
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(given)) metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value)
  return metadata
}

function clientOf(port, options = {}) {
  const Client = grpc.makeGenericClientConstructor(CLIENT_SERVICE, 'Echo')
  const stub = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { ...SIZES, ...options })
  const deadline = (given) => (given?.timeoutMs === undefined ? {} : { deadline: Date.now() + given.timeoutMs })
  const unary = (name, text, given) =>
    new Promise((resolve, reject) => {
      const answer = { text: '', headers: {}, trailers: {} }
      const call = stub[name]({ text }, metadataOf(given?.metadata), deadline(given), (error, response) => {
        if (error) return reject(withRaw(error))
        answer.text = response.text
        // The status event comes after this call back.
        setImmediate(() => resolve(answer))
      })
      call.on('metadata', (metadata) => (answer.headers = { 'x-echo': asText(metadata, 'x-echo') }))
      call.on('status', (status) => (answer.trailers = { 'x-trail-bin': asText(status.metadata, 'x-trail-bin') }))
      given?.signal?.addEventListener('abort', () => call.cancel())
    })
  return {
    unary: (text, given) => unary('Unary', text, given),
    unknown: () => unary('Unknown', ''),
    stream: async (text) => {
      const texts = []
      for await (const answer of stub.Stream({ text })) texts.push(answer.text)
      return texts
    },
    collect: (texts) =>
      new Promise((resolve, reject) => {
        const call = stub.Collect((error, response) => (error ? reject(withRaw(error)) : resolve(response.text)))
        for (const text of texts) call.write({ text })
        call.end()
      }),
    chat: () => chatOf(stub.Chat()),
    compressing: () => clientOf(port, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
    close: () => stub.close(),
  }
}

function chatOf(call) {
  const answers = call[Symbol.asyncIterator]()
  return {
    send: (text) => call.write({ text }),
    end: () => call.end(),
    cancel: () => call.cancel(),
    receive: async () => {
      try {
        const next = await answers.next()
        return next.done ? null : next.value.text
      } catch (error) {
        throw withRaw(error)
      }
    },
  }
}

const [task, port, only = ''] = process.argv.slice(2)
if (task === 'serve') serve()
else await play(clientOf(port), only)
