import { replayAll } from '../replay.ts'

// What a misbehaving origin does is in http2-origins.test.ts.
replayAll('http2/', (id) => !id.startsWith('http2/origin-'))
