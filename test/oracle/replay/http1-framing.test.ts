import { replayAll } from '../replay.ts'

// Two files, because the runner gives each file a time of its own and http1 is half of all cases.
replayAll('http1/', (id) => id < 'http1/f')
