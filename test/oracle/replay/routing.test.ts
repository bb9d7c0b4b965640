import { replayAll } from '../replay.ts'

replayAll('routing/')
