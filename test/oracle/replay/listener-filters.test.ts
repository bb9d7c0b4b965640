import { replayAll } from '../replay.ts'

replayAll('listener-filters/')
