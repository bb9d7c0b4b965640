import { fuzzFormat } from './run.ts';

process.exitCode = fuzzFormat('yaml', process.argv.slice(2));
