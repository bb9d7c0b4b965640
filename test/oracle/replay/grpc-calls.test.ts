import { replayAll } from '../replay.ts'

// Several files, because the runner gives each file a time of its own and gRPC has a thousand cases.
replayAll('grpc/', (id) => !/^grpc\/(reverse-|transcoder|connect-bridge|http1-bridge|web)/.test(id))
