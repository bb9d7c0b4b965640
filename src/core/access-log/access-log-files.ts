import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Disposable } from '../../base/disposable.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { AccessLogFile, AccessLogFiles } from '../../contract/extension.ts';
import type { Counter, Gauge, Scope } from '../../contract/stats.ts';
import { systemFiles } from './file-system.ts';
import type { FileSystem } from './file-system.ts';

export interface AccessLogFilesOptions {
  /** `--file-flush-interval-msec`; default 10,000. */
  readonly flushIntervalMs?: number;
  /** `--file-flush-min-size-kb` in bytes; default 64 KiB. */
  readonly minFlushBytes?: number;
  /** Bytes that wait for a slow disk; records beyond it are dropped and counted. Default 16 MiB a file. */
  readonly maxBufferedBytes?: number;
  /** Opens nothing and writes nothing (validation). */
  readonly disabled?: boolean;
  readonly fileSystem?: FileSystem;
}

const DEFAULT_FLUSH_INTERVAL_MS = 10_000;
/** At most, for what a person may be looking at: a terminal, `docker logs`. Envoy keeps it as long as a file's. */
const STREAM_FLUSH_INTERVAL_MS = 1_000;
const DEFAULT_MIN_FLUSH_BYTES = 64 * 1_024;
const DEFAULT_MAX_BUFFERED_BYTES = 16 * 1_024 * 1_024;
/** How long to wait when a pipe's reader is slow. */
const RETRY_MS = 10;

/** `filesystem.` statistics. */
class FileStats {
  readonly writeBuffered: Counter;
  readonly writeCompleted: Counter;
  readonly writeFailed: Counter;
  readonly flushedByTimer: Counter;
  readonly reopenFailed: Counter;
  readonly writeTotalBuffered: Gauge;
  private readonly scope: Scope;

  constructor(scope: Scope) {
    this.scope = scope;
    this.writeBuffered = scope.counter('write_buffered');
    this.writeCompleted = scope.counter('write_completed');
    this.writeFailed = scope.counter('write_failed');
    this.flushedByTimer = scope.counter('flushed_by_timer');
    this.reopenFailed = scope.counter('reopen_failed');
    this.writeTotalBuffered = scope.gauge('write_total_buffered');
  }

  /** nuncio's own: Envoy's buffer grows without limit. Named only once it happens. */
  dropped(): void {
    this.scope.counter('write_dropped').inc();
  }
}

/**
 * The access log files of one thread, shared by path. Records gather in memory and leave in batches, when 64 KiB are there or every ten
 * seconds (every second on standard output and error), written off the thread; a slow disk never holds a request.
 */
export class AccessLogFileManager implements AccessLogFiles, Disposable {
  private readonly files = new Map<string, LogFile>();
  private readonly dispatcher: Dispatcher;
  private readonly stats: FileStats;
  private readonly options: Required<AccessLogFilesOptions>;

  /** `filesystem.` statistics go below `rootScope`. */
  constructor(dispatcher: Dispatcher, rootScope: Scope, options: AccessLogFilesOptions = {}) {
    this.dispatcher = dispatcher;
    this.stats = new FileStats(rootScope.scope('filesystem'));
    this.options = {
      flushIntervalMs: options.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
      minFlushBytes: options.minFlushBytes ?? DEFAULT_MIN_FLUSH_BYTES,
      maxBufferedBytes: options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES,
      disabled: options.disabled ?? false,
      fileSystem: options.fileSystem ?? systemFiles,
    };
  }

  open(path: string): AccessLogFile {
    if (this.options.disabled) {
      checkWritable(path);
      return NO_FILE;
    }
    let file = this.files.get(path);
    if (file === undefined) {
      file = new LogFile(path, this.options, this.dispatcher, this.stats);
      this.files.set(path, file);
    }
    return file;
  }

  /** SIGUSR1, `/reopen_logs`: every file is opened anew under its name, so that a rotated one is let go. */
  reopen(): void {
    for (const file of this.files.values()) file.reopen();
  }

  /** Writes out now, on this thread, all that is not already on its way. */
  flush(): void {
    for (const file of this.files.values()) file.flushSync();
  }

  /** Resolves when everything written so far is with the system. Before exit. */
  async drain(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.drain()));
  }

  dispose(): void {
    for (const file of this.files.values()) file.close();
    this.files.clear();
  }
}

const NO_FILE: AccessLogFile = { write: () => undefined };

class LogFile implements AccessLogFile {
  private readonly path: string;
  private readonly options: Required<AccessLogFilesOptions>;
  private readonly dispatcher: Dispatcher;
  private readonly stats: FileStats;
  private readonly timer: Timer;
  private readonly flushIntervalMs: number;
  private fd: number;
  /** Records that wait, one character a byte. */
  private pending: string;
  /** What is being written, or null; `taken` bytes of it are out. */
  private inFlight: Buffer | null;
  private taken: number;
  private reopenWanted: boolean;
  private closed: boolean;
  /** Called when nothing is under way any more. */
  private readonly waiters: (() => void)[];

  constructor(path: string, options: Required<AccessLogFilesOptions>, dispatcher: Dispatcher, stats: FileStats) {
    this.path = path;
    this.options = options;
    this.dispatcher = dispatcher;
    this.stats = stats;
    this.pending = '';
    this.inFlight = null;
    this.taken = 0;
    this.reopenWanted = false;
    this.closed = false;
    this.waiters = [];
    const mostMs = path === '/dev/stdout' || path === '/dev/stderr' ? STREAM_FLUSH_INTERVAL_MS : Number.POSITIVE_INFINITY;
    this.flushIntervalMs = Math.min(options.flushIntervalMs, mostMs);
    this.fd = openOrExplain(options.fileSystem, path);
    this.timer = dispatcher.createTimer(() => this.onTimer());
  }

  write(record: string): void {
    if (this.closed) return;
    const waiting = this.pending.length + (this.inFlight === null ? 0 : this.inFlight.length - this.taken);
    if (waiting + record.length > this.options.maxBufferedBytes) {
      this.stats.dropped();
      return;
    }
    if (this.pending === '' && !this.timer.enabled) this.timer.enable(this.flushIntervalMs);
    this.pending += record;
    this.stats.writeBuffered.inc();
    this.stats.writeTotalBuffered.add(record.length);
    if (this.pending.length >= this.options.minFlushBytes) this.startWrite();
  }

  reopen(): void {
    this.reopenWanted = true;
    if (this.inFlight === null) this.doReopen();
  }

  flushSync(): void {
    const rest = this.inFlight === null ? null : this.inFlight.subarray(this.taken);
    // What is in flight is the kernel's or the thread pool's already; only what has not begun is written here.
    if (rest !== null || this.pending === '') return;
    const bytes = Buffer.from(this.pending, 'latin1');
    this.pending = '';
    this.stats.writeTotalBuffered.sub(bytes.length);
    try {
      for (let at = 0; at < bytes.length; ) at += this.options.fileSystem.writeSync(this.fd, bytes.subarray(at));
      this.stats.writeCompleted.inc();
    } catch {
      this.stats.writeFailed.inc();
    }
  }

  drain(): Promise<void> {
    this.startWrite();
    if (this.inFlight === null) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  close(): void {
    if (this.closed) return;
    this.flushSync();
    this.closed = true;
    this.timer.disable();
    if (this.inFlight === null) this.options.fileSystem.close(this.fd);
  }

  private onTimer(): void {
    if (this.pending === '') return;
    this.stats.flushedByTimer.inc();
    this.startWrite();
  }

  /** Begins a batch unless one is under way; its end begins the next. */
  private startWrite(): void {
    if (this.inFlight !== null || this.pending === '') return;
    this.timer.disable();
    this.inFlight = Buffer.from(this.pending, 'latin1');
    this.pending = '';
    this.taken = 0;
    this.continueWrite(this.inFlight);
  }

  private continueWrite(batch: Buffer): void {
    this.options.fileSystem.write(this.fd, batch.subarray(this.taken), (error, written) => this.onWritten(batch, error, written));
  }

  private onWritten(batch: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error !== null && error.code === 'EAGAIN' && !this.closed) {
      const retry = this.dispatcher.createTimer(() => this.continueWrite(batch));
      retry.enable(RETRY_MS);
      return;
    }
    if (error === null) {
      this.taken += written;
      if (this.taken < batch.length) {
        this.continueWrite(batch);
        return;
      }
      this.stats.writeCompleted.inc();
    } else this.stats.writeFailed.inc();
    this.finishBatch(batch);
  }

  private finishBatch(batch: Buffer): void {
    this.stats.writeTotalBuffered.sub(batch.length);
    this.inFlight = null;
    if (this.closed) {
      this.flushSync();
      this.options.fileSystem.close(this.fd);
      this.wake();
      return;
    }
    if (this.reopenWanted) this.doReopen();
    if (this.pending.length >= this.options.minFlushBytes || this.waiters.length > 0) this.startWrite();
    else if (this.pending !== '' && !this.timer.enabled) this.timer.enable(this.flushIntervalMs);
    if (this.inFlight === null) this.wake();
  }

  private wake(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  /** The old file stays in use when the new one cannot be opened. */
  private doReopen(): void {
    this.reopenWanted = false;
    try {
      const next = this.options.fileSystem.open(this.path);
      if (next !== this.fd) this.options.fileSystem.close(this.fd);
      this.fd = next;
    } catch {
      this.stats.reopenFailed.inc();
    }
  }
}

function openOrExplain(files: FileSystem, path: string): number {
  try {
    return files.open(path);
  } catch (error) {
    throw openError(path, error);
  }
}

/** Validation says what opening would have said, without making the file. */
function checkWritable(path: string): void {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw openError(path, error);
  }
}

function openError(path: string, error: unknown): ConfigError {
  const reason = error instanceof Error ? error.message.replace(/^[A-Z]+: /, '').replace(/, (?:open|access) '.*'$/, '') : String(error);
  return new ConfigError(`unable to open file '${path}': ${sentence(reason)}`, { path: 'path' });
}

/** strerror's capital letter. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
