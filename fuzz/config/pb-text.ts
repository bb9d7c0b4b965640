import { fuzzFormat } from './run.ts';

process.exitCode = fuzzFormat('pb_text', process.argv.slice(2));
