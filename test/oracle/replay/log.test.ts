import { replayAll } from '../replay.ts'

replayAll('log/')
