import { replayAll } from '../replay.ts'

replayAll('network/')
