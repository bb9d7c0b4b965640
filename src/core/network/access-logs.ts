export { buildAccessLogs } from '../access-log/build-access-logs.ts';
