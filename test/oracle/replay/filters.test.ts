import { replayAll } from '../replay.ts'

replayAll('filters/')
