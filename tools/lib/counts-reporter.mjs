// A node:test reporter that writes one JSON object: how many tests passed and failed, and why the others were skipped.

/** One test's outcome as a short name for the totals: a skip or todo is neither passed nor failed. */
function outcomeOf(event) {
  if (event.data.skip !== undefined) return 'skipped';
  if (event.data.todo !== undefined) return 'skipped';
  return event.type === 'test:pass' ? 'passed' : 'failed';
}

function reasonOf(data) {
  const given = data.skip ?? data.todo;
  return typeof given === 'string' && given !== '' ? given : 'no reason given';
}

export default async function* countsReporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] };
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details?.type === 'suite' && event.type === 'test:pass') continue;
    const outcome = outcomeOf(event);
    // A suite fails because of a test in it, which is counted itself; only a suite that broke on its own counts.
    if (event.data.details?.type === 'suite' && event.data.details.error?.failureType === 'subtestsFailed') continue;
    counts[outcome] += 1;
    if (outcome === 'skipped') {
      const reason = reasonOf(event.data);
      counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1;
    }
    if (outcome === 'failed') counts.failures.push(`${event.data.file ?? ''}: ${event.data.name}`);
  }
  yield JSON.stringify(counts);
}
