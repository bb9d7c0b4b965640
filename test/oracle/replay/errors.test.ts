import { replayAll } from '../replay.ts'

replayAll('errors/')
