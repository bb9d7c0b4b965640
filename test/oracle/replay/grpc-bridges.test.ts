import { replayAll } from '../replay.ts'

replayAll('grpc/', (id) => /^grpc\/(reverse-bridge|connect-bridge|http1-bridge|web)/.test(id))
