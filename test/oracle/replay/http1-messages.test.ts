import { replayAll } from '../replay.ts'

// The other half is in http1-framing.test.ts.
replayAll('http1/', (id) => id >= 'http1/f')
