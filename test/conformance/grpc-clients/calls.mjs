// The cases that every client plays, over a small interface of the client; and what every server does.
// Service nuncio.test.Echo: Unary, Stream (server streams), Collect (client streams), Chat (both), all of google.protobuf.BytesValue.

export const CODES = { CANCELLED: 1, INVALID_ARGUMENT: 3, DEADLINE_EXCEEDED: 4, NOT_FOUND: 5, UNIMPLEMENTED: 12 }

/** Text of an error message that needs percent-encoding. */
const MESSAGE = 'no such thing 100 % ä €\n'
const MEGABYTE = 1_048_576

/**
 * `client`: unary(text, options) → {text, headers, trailers}; stream(text) → texts; collect(texts) → text;
 * chat() → {send, receive, end, cancel}. Failures reject with `code` and `rawMessage`. Options: timeoutMs, metadata, signal.
 */
export const CASES = {
  'unary': async (client) => equal((await client.unary('hello')).text, 'hello'),
  'unary, empty': async (client) => equal((await client.unary('')).text, ''),
  'unary, 1 MiB each way': async (client) => equal((await client.unary('z'.repeat(MEGABYTE))).text, 'z'.repeat(MEGABYTE)),
  'large answer': async (client) => equal((await client.unary('big:3000000')).text.length, 3_000_000),
  'status and message': async (client) => {
    const error = await failure(client.unary(`fail:${CODES.NOT_FOUND}:${MESSAGE}`))
    equal([error.code, error.rawMessage], [CODES.NOT_FOUND, MESSAGE])
  },
  'unimplemented method': async (client) => equal((await failure(client.unknown())).code, CODES.UNIMPLEMENTED),
  'deadline kept': async (client) => equal((await client.unary('in time', { timeoutMs: 5_000 })).text, 'in time'),
  'deadline exceeded': (client) =>
    cancels(client, async () => {
      equal((await failure(client.unary('sleep', { timeoutMs: 300 }))).code, CODES.DEADLINE_EXCEEDED)
    }),
  'cancellation': (client) =>
    cancels(client, async () => {
      const controller = new AbortController()
      const call = client.unary('sleep', { signal: controller.signal })
      setTimeout(() => controller.abort(), 200)
      equal((await failure(call)).code, CODES.CANCELLED)
    }),
  'cancellation of a stream': (client) =>
    cancels(client, async () => {
      const chat = client.chat()
      chat.send('one')
      equal(await chat.receive(), 'one')
      chat.send('sleep')
      equal(await chat.receive(), 'sleep')
      chat.cancel()
      equal((await failure(chat.receive())).code, CODES.CANCELLED)
    }),
  'server streaming': async (client) => equal(await client.stream('count:200'), Array.from({ length: 200 }, (_unused, index) => String(index))),
  'server streaming, nothing': async (client) => equal(await client.stream('count:0'), []),
  'client streaming': async (client) => equal(await client.collect(Array.from({ length: 200 }, (_unused, index) => 'x'.repeat(index * 10))), '200:199000'),
  'both streaming': async (client) => {
    const chat = client.chat()
    for (let turn = 0; turn < 50; turn++) {
      chat.send(`turn ${turn}`)
      equal(await chat.receive(), `turn ${turn}`)
    }
    chat.end()
    equal(await chat.receive(), null)
  },
  'both streaming, ahead': async (client) => {
    const chat = client.chat()
    for (let turn = 0; turn < 100; turn++) chat.send(`${turn}:${'y'.repeat(5_000)}`)
    chat.end()
    for (let turn = 0; turn < 100; turn++) equal((await chat.receive())?.split(':')[0], String(turn))
    equal(await chat.receive(), null)
  },
  'metadata': async (client) => {
    const bytes = Buffer.from([0, 1, 2, 253, 254, 255]).toString('base64')
    const answer = await client.unary('x', { metadata: { 'x-echo': 'value', 'x-trail-bin': bytes } })
    equal([answer.headers['x-echo'], answer.trailers['x-trail-bin']], ['value', bytes])
  },
  'large metadata': async (client) => {
    const bytes = Buffer.alloc(2_000, 7).toString('base64')
    const answer = await client.unary('x', { metadata: { 'x-echo': 'v'.repeat(3_500), 'x-trail-bin': bytes } })
    equal([answer.headers['x-echo'], answer.trailers['x-trail-bin']], ['v'.repeat(3_500), bytes])
  },
  'compression': async (client) => {
    const compressing = client.compressing()
    equal((await compressing.unary('c'.repeat(100_000))).text, 'c'.repeat(100_000))
    equal((await compressing.stream('count:20')).length, 20)
    compressing.close()
  },
  '200 calls at the same time': async (client) => {
    const texts = Array.from({ length: 200 }, (_unused, index) => `call ${index}`)
    const answers = await Promise.all(texts.map((text) => client.unary(text)))
    equal(answers.map((answer) => answer.text), texts)
  },
}

/** Plays the cases whose name contains `only`; one line of JSON each. */
export async function play(client, only) {
  for (const [name, body] of Object.entries(CASES).filter(([key]) => key.includes(only))) {
    let detail = ''
    let timer
    try {
      await Promise.race([body(client), new Promise((_resolve, reject) => (timer = setTimeout(() => reject(new Error('took more than 15 s')), 15_000)))])
    } catch (error) {
      detail = `${error.message} ${error.code ?? ''}`.trim().slice(0, 400)
    }
    clearTimeout(timer)
    console.log(JSON.stringify({ name, ok: detail === '', detail }))
  }
  client.close()
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`got ${left.slice(0, 200)}, not ${right.slice(0, 200)}`)
}

async function failure(call) {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** After `body` the server must notice that a call was cancelled. */
async function cancels(client, body) {
  const count = async () => Number((await client.unary('cancelled?')).text)
  const before = await count()
  await body()
  for (let tries = 0; tries < 60; tries++) {
    if ((await count()) > before) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the server never heard of it')
}

/** What a server answers to a unary text; null: it waits for cancellation. Throws {code, message}. */
export function unaryAnswer(text, state) {
  if (text === 'sleep') return null
  if (text === 'cancelled?') return String(state.cancelled)
  if (text.startsWith('big:')) return 'y'.repeat(Number(text.slice(4)))
  if (text.startsWith('fail:')) {
    const [, code] = text.split(':')
    throw Object.assign(new Error(text.slice(`fail:${code}:`.length)), { status: Number(code) })
  }
  return text
}
