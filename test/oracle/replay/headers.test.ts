import { replayAll } from '../replay.ts'

replayAll('headers/')
