import { replayAll } from '../replay.ts'

// The other half is in grpc-transcoder.test.ts.
replayAll('grpc/transcoder', (id) => id >= 'grpc/transcoder-p')
replayAll('grpc/reverse-transcoder')
