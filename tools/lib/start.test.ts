import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { FakeCheckout } from './fake-checkout.ts';

/** Counts signals for 600 ms after the first, then leaves with that number: two signals would mean "stop at once" to nuncio. */
const COUNT_SIGNALS = `
let signals = 0;
process.on('SIGINT', () => {
  signals += 1;
  if (signals === 1) setTimeout(() => process.exit(10 + signals), 600);
});
setInterval(() => {}, 1000);
process.stdout.write('up');
`;

async function started(t: TestContext, main: string): Promise<ChildProcess> {
  const fake = new FakeCheckout(main, { withRuntime: true });
  const child = spawn(process.execPath, [fake.path('tools/start.mjs'), '--given'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
    fake.dispose();
  });
  await once(child.stdout, 'data');
  return child;
}

test('npm start hands on one signal for a burst of them, and the exit code', async (t) => {
  const child = await started(t, COUNT_SIGNALS);
  child.kill('SIGINT');
  setTimeout(() => child.kill('SIGINT'), 20);
  assert.deepEqual(await once(child, 'close'), [11, null]);
});

test('npm start ends with 0 when the proxy ends cleanly after SIGTERM', async (t) => {
  const child = await started(
    t,
    "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); process.stdout.write('up');",
  );
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [0, null]);
});
