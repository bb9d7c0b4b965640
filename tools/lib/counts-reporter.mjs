// A node:test reporter that writes one JSON object: how many tests passed and failed, and why the others were skipped.
import path from 'node:path';

/** A skip or todo is neither passed nor failed. */
function outcomeOf(event) {
  if (event.data.skip !== undefined || event.data.todo !== undefined) return 'skipped';
  return event.type === 'test:pass' ? 'passed' : 'failed';
}

function reasonOf(data) {
  const given = data.skip ?? data.todo;
  return typeof given === 'string' && given !== '' ? given : 'no reason given';
}

/** Whether the event is a suite's and says only what its tests say themselves. A skipped suite has no tests that would. */
function isEcho(event) {
  if (event.data.details?.type !== 'suite') return false;
  if (event.type === 'test:pass') return event.data.skip === undefined;
  return event.data.details.error?.failureType === 'subtestsFailed';
}

/** Names of the suites around a test, by file: the events of one file come in order. */
class Suites {
  open = new Map();

  start({ file, nesting, name }) {
    const names = this.open.get(file) ?? [];
    names.length = nesting;
    names[nesting] = name;
    this.open.set(file, names);
  }

  nameOf({ file, nesting, name }) {
    const around = (this.open.get(file) ?? []).slice(0, nesting);
    const place = file === undefined ? [] : [path.relative(process.cwd(), file)];
    return [...place, ...around, name].join(' › ');
  }
}

export default async function* countsReporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] };
  const suites = new Suites();
  for await (const event of source) {
    if (event.type === 'test:start') suites.start(event.data);
    if ((event.type !== 'test:pass' && event.type !== 'test:fail') || isEcho(event)) continue;
    const outcome = outcomeOf(event);
    counts[outcome] += 1;
    if (outcome === 'skipped') counts.reasons[reasonOf(event.data)] = (counts.reasons[reasonOf(event.data)] ?? 0) + 1;
    if (outcome === 'failed') counts.failures.push(suites.nameOf(event.data));
  }
  yield JSON.stringify(counts);
}
