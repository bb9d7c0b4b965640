// @connectrpc/connect-node, gRPC protocol, as server (`serve`) and as client (`call PORT ONLY`). As a client also with Connect or gRPC-Web
// (CONNECT_PROTOCOL), over HTTP/1.1 if asked for (CONNECT_HTTP).
import http2 from 'node:http2'
import { create, createFileRegistry } from '@bufbuild/protobuf'
import { BytesValueSchema, file_google_protobuf_wrappers, FileDescriptorProtoSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { compressionGzip, connectNodeAdapter, createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { play, unaryAnswer } from './calls.mjs'

const type = '.google.protobuf.BytesValue'
const { CONNECT_PROTOCOL: protocol = 'grpc', CONNECT_HTTP: httpVersion = '2' } = process.env
// Calls without side effects may be made by GET.
const options = { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS }
const method = (name, clientStreaming, serverStreaming) => ({ name, inputType: type, outputType: type, clientStreaming, serverStreaming, options })

function serviceOf(...more) {
  const methods = [method('Unary', false, false), method('Stream', false, true), method('Collect', true, false), method('Chat', true, true), ...more]
  const proto = create(FileDescriptorProtoSchema, { name: 'echo.proto', package: 'nuncio.test', syntax: 'proto3', dependency: ['google/protobuf/wrappers.proto'], service: [{ name: 'Echo', method: methods }] })
  return createFileRegistry(proto, () => file_google_protobuf_wrappers).getService('nuncio.test.Echo')
}

const message = (text) => create(BytesValueSchema, { value: Buffer.from(text, 'utf8') })
const textOf = (value) => Buffer.from(value.value).toString('utf8')

function cancelled(context, state) {
  return new Promise((_resolve, reject) =>
    context.signal.addEventListener('abort', () => {
      state.cancelled += 1
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is one; its package is there for this suite only
      reject(new ConnectError('cancelled', Code.Canceled))
    }),
  )
}

function serve() {
  const state = { cancelled: 0 }
  const routes = (router) =>
    router.service(serviceOf(), {
      async unary(request, context) {
        const echo = context.requestHeader.get('x-echo')
        if (echo !== null) context.responseHeader.set('x-echo', echo)
        const trail = context.requestHeader.get('x-trail-bin')
        if (trail !== null) context.responseTrailer.set('x-trail-bin', trail)
        try {
          const answer = unaryAnswer(textOf(request), state)
          return answer === null ? await cancelled(context, state) : message(answer)
        } catch (error) {
          if (error.status === undefined) throw error
          throw new ConnectError(error.message, error.status)
        }
      },
      async *stream(request) {
        for (let index = 0; index < Number(textOf(request).slice('count:'.length)); index++) yield message(String(index))
      },
      async collect(requests) {
        let [count, bytes] = [0, 0]
        for await (const request of requests) {
          count += 1
          bytes += request.value.length
        }
        return message(`${count}:${bytes}`)
      },
      async *chat(requests, context) {
        for await (const request of requests) {
          yield request
          if (textOf(request) === 'sleep') await cancelled(context, state)
        }
      },
    })
  const server = http2.createServer(connectNodeAdapter({ routes, grpc: true, compressMinBytes: 1_024, acceptCompression: [compressionGzip] }))
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`))
}

function transport(options) {
  if (protocol === 'grpc-web') return createGrpcWebTransport(options)
  return protocol === 'grpc' ? createGrpcTransport(options) : createConnectTransport({ ...options, useHttpGet: protocol === 'connect-get' })
}

function clientOf(port, options = {}) {
  const sessions = transport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion, acceptCompression: [compressionGzip], ...options })
  const stub = createClient(serviceOf(method('Unknown', false, false)), sessions)
  const unary = async (name, text, given = {}) => {
    const answer = { text: '', headers: {}, trailers: {} }
    const response = await stub[name](message(text), {
      ...(given.timeoutMs === undefined ? {} : { timeoutMs: given.timeoutMs }),
      ...(given.signal === undefined ? {} : { signal: given.signal }),
      headers: Object.fromEntries(Object.entries(given.metadata ?? {}).map(([key, value]) => [key, key.endsWith('-bin') ? value.replaceAll('=', '') : value])),
      onHeader: (headers) => (answer.headers = { 'x-echo': headers.get('x-echo') ?? undefined }),
      onTrailer: (trailers) => (answer.trailers = { 'x-trail-bin': padded(trailers.get('x-trail-bin')) }),
    })
    answer.text = textOf(response)
    return answer
  }
  return {
    unary: (text, given) => unary('unary', text, given),
    unknown: () => unary('unknown', ''),
    stream: async (text) => {
      const texts = []
      for await (const answer of stub.stream(message(text))) texts.push(textOf(answer))
      return texts
    },
    collect: async (texts) => textOf(await stub.collect(each(texts))),
    chat: () => chatOf(stub),
    compressing: () => clientOf(port, { sendCompression: compressionGzip, compressMinBytes: 1_024 }),
    close: () => undefined,
  }
}

/** Binary metadata with the padding that some leave away. */
function padded(value) {
  return value === null ? undefined : Buffer.from(value, 'base64').toString('base64')
}

async function* each(texts) {
  for (const text of texts) yield message(text)
}

function chatOf(stub) {
  const queue = []
  let wake = () => undefined
  let ended = false
  const controller = new AbortController()
  async function* requests() {
    for (;;) {
      while (queue.length > 0) yield message(queue.shift())
      if (ended) return
      await new Promise((resolve) => (wake = resolve))
    }
  }
  const answers = stub.chat(requests(), { signal: controller.signal })[Symbol.asyncIterator]()
  return {
    send: (text) => {
      queue.push(text)
      wake()
    },
    end: () => {
      ended = true
      wake()
    },
    cancel: () => controller.abort(),
    receive: async () => {
      const next = await answers.next()
      return next.done ? null : textOf(next.value)
    },
  }
}

const [task, port, only = ''] = process.argv.slice(2)
if (task === 'serve') serve()
else {
  await play(clientOf(port), only)
  // Its sessions stay open for a while.
  process.exit(0)
}
