import { replayAll } from '../replay.ts'

replayAll('admin/')
