import { replayAll } from '../replay.ts'

replayAll('http2/origin-')
