// Reads h2spec's JUnit report. It is no strict XML (control characters stand in it), so it is read with patterns.
import type { CaseResult } from '../result.ts'

/** Cases of a report. In a failed one every line but the last is what would have been right, and the last what came. */
export function readJUnit(text: string, suite: string): CaseResult[] {
  const results: CaseResult[] = []
  for (const part of text.split('<testsuite ').slice(1)) {
    const section = unescaped(/^name="([^"]*)"/.exec(part)?.[1] ?? '?')
    for (const match of part.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
      results.push({ suite, name: `${match[1] ?? ''} (${section}) ${unescaped(match[2] ?? '')}`, ...verdictOf(match[3] ?? '') })
    }
  }
  return results
}

function verdictOf(content: string): Pick<CaseResult, 'verdict' | 'detail'> {
  const bad = /<(error|failure)[^>]*>([\s\S]*?)<\/\1>/.exec(content)
  if (bad !== null) {
    const lines = unescaped(bad[2] ?? '').split('\n')
    return { verdict: 'failed', detail: `expected ${lines.slice(0, -1).join(' or ')}\ngot      ${lines.at(-1) ?? ''}` }
  }
  return { verdict: content.includes('<skipped') ? 'skipped' : 'passed', detail: '' }
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&#xA;', '\n').replaceAll('&amp;', '&')
}
