import { replayAll } from '../replay.ts'

replayAll('grpc/')
