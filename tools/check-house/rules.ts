// What must not lie in the tree, whatever the language: each rule is a function of one file's text.

/** A broken rule, printed as `file:line: text`. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A file's path from the root and its text. */
export interface HouseFile {
  readonly path: string;
  readonly text: string;
}

/** Longest TypeScript file that needs no reason, in lines. */
export const MAX_LINES = 600;

/** How near the top the reason for a longer file has to stand, in lines. */
const REASON_WITHIN = 30;
const REASON = /\bLong (?:because|on purpose|by nature)\b/;

interface LineRule {
  readonly pattern: RegExp;
  readonly text: string;
  /** Files that the rule looks at. */
  readonly files: RegExp;
}

const EVERYTHING = /./;
const CODE = /\.(?:ts|mjs|js|sh)$/;
const TYPESCRIPT = /\.ts$/;

// Written so that this file does not find itself.
const LINE_RULES: readonly LineRule[] = [
  { pattern: /(?<![\w.-])\/(?:work|root|home\/\w+|Users\/\w+)\//, text: 'a path of one machine', files: EVERYTHING },
  {
    pattern: /registry\.npm[j]s|py[p]i\.org|proxy\.gol[a]ng|deb\.deb[i]an|\bcrat[e]s\.io\/|repo1\.mav[e]n/,
    text: 'the host of a package registry: name the package, not where it comes from',
    files: EVERYTHING,
  },
  {
    pattern: /\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/,
    text: 'an unfinished place: finish it, or describe it in docs/internals/status.md',
    files: CODE,
  },
  {
    pattern: /(?:(?<=[\w)\]?]):\s*a[n]y\b(?!\.)|\bas a[n]y\b|<a[n]y>|a[n]y\[\])(?!\w)/,
    text: '`any`: use `unknown` and look, or the type',
    files: TYPESCRIPT,
  },
  { pattern: /@ts-(?:ignore|nocheck)/, text: 'the type checker is switched off', files: CODE },
  { pattern: /\b(?:test|it|describe|suite)\.only\(/, text: 'only this test would run', files: TYPESCRIPT },
];

/** Removes comments and strings roughly, so that prose about a rule is not a breach of it. */
function withoutProse(line: string): string {
  if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) return '';
  return line.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''").replace(/\/\/.*$/, '');
}

function checkLines(file: HouseFile, lines: readonly string[], findings: Finding[]): void {
  const rules = LINE_RULES.filter((rule) => rule.files.test(file.path));
  lines.forEach((line, index) => {
    for (const rule of rules) {
      const looked = rule.files === TYPESCRIPT ? withoutProse(line) : line;
      if (rule.pattern.test(looked)) findings.push({ file: file.path, line: index + 1, text: rule.text });
    }
  });
}

function checkLength(file: HouseFile, lines: readonly string[], findings: Finding[]): void {
  if (!TYPESCRIPT.test(file.path) || lines.length <= MAX_LINES) return;
  if (lines.slice(0, REASON_WITHIN).some((line) => REASON.test(line))) return;
  const text = `${lines.length} lines: split it, or say near the top "Long because …"`;
  findings.push({ file: file.path, line: 1, text });
}

/** Everything that is wrong with one file. */
export function checkFile(file: HouseFile): Finding[] {
  const findings: Finding[] = [];
  const lines = file.text.split('\n');
  checkLines(file, lines, findings);
  checkLength(file, lines, findings);
  return findings;
}
