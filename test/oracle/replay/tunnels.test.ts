import { replayAll } from '../replay.ts'

replayAll('tunnels/')
