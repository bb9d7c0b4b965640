import { fuzzFormat } from './run.ts';

process.exitCode = fuzzFormat('json', process.argv.slice(2));
