import { replayAll } from '../replay.ts'

replayAll('grpc/transcoder', (id) => id < 'grpc/transcoder-p')
