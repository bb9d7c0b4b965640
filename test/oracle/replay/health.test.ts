import { replayAll } from '../replay.ts'

replayAll('health/')
