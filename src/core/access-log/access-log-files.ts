import { closeSync, openSync, write, writeSync } from 'node:fs';
import type { Disposable } from '../../base/disposable.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { AccessLogFile, AccessLogFiles } from '../../contract/extension.ts';
import type { Counter, Gauge, Scope } from '../../contract/stats.ts';

/** `filesystem.*`. */
interface FileStats {
  readonly writeBuffered: Counter;
  readonly writeCompleted: Counter;
  readonly writeFailed: Counter;
  readonly flushedByTimer: Counter;
  readonly reopenFailed: Counter;
  readonly writeTotalBuffered: Gauge;
}

export interface AccessLogFilesOptions {
  readonly dispatcher: Dispatcher;
  readonly rootScope: Scope;
  /** `--file-flush-interval-msec`. */
  readonly flushIntervalMs: number;
  /** `--file-flush-min-size-kb` in bytes: a buffer this large is written at once. */
  readonly minFlushBytes: number;
}

/** A terminal or a log collector reads along: show lines soon, whatever the interval for files is. */
const STREAM_FLUSH_MS = 100;
/** Text that may wait for a file that does not take it; what comes beyond is dropped and counted. */
const MAX_BUFFERED = 64 * 1024 * 1024;
const RETRY_MS = 5;

/** All access log files of one thread, one for each path. Each thread appends for itself; records are written whole. */
export class BufferedAccessLogFiles implements AccessLogFiles, Disposable {
  private readonly options: AccessLogFilesOptions;
  private readonly stats: FileStats;
  private readonly files = new Map<string, BufferedFile>();

  constructor(options: AccessLogFilesOptions) {
    this.options = options;
    const scope = options.rootScope.scope('filesystem');
    this.stats = {
      writeBuffered: scope.counter('write_buffered'),
      writeCompleted: scope.counter('write_completed'),
      writeFailed: scope.counter('write_failed'),
      flushedByTimer: scope.counter('flushed_by_timer'),
      reopenFailed: scope.counter('reopen_failed'),
      writeTotalBuffered: scope.gauge('write_total_buffered'),
    };
  }

  open(path: string): AccessLogFile {
    let file = this.files.get(path);
    if (file === undefined) {
      file = new BufferedFile(path, this.options, this.stats);
      this.files.set(path, file);
    }
    return file;
  }

  /** SIGUSR1: writes what is buffered to the old files and opens the paths anew. */
  reopen(): void {
    for (const file of this.files.values()) file.reopen();
  }

  /** Writes what is buffered and closes. */
  dispose(): void {
    for (const file of this.files.values()) file.dispose();
    this.files.clear();
  }
}

class BufferedFile implements AccessLogFile {
  private readonly path: string;
  private readonly stats: FileStats;
  private readonly minFlushBytes: number;
  private readonly intervalMs: number;
  private readonly timer: Timer;
  private fd: number;
  private pending: string;
  /** Bytes on their way to the system, or null. */
  private inFlight: Buffer | null;
  private writing: boolean;
  private readonly retired: number[];
  private timerArmed: boolean;
  private disposed: boolean;

  constructor(path: string, options: AccessLogFilesOptions, stats: FileStats) {
    this.path = path;
    this.stats = stats;
    this.minFlushBytes = options.minFlushBytes;
    this.intervalMs = standardFd(path) < 0 ? options.flushIntervalMs : Math.min(STREAM_FLUSH_MS, options.flushIntervalMs);
    this.timer = options.dispatcher.createTimer(() => this.onTimer());
    this.fd = openLog(path);
    this.pending = '';
    this.inFlight = null;
    this.writing = false;
    this.retired = [];
    this.timerArmed = false;
    this.disposed = false;
  }

  write(record: string): void {
    if (this.pending.length > MAX_BUFFERED) {
      this.stats.writeFailed.inc();
      return;
    }
    this.pending += record;
    this.stats.writeBuffered.inc();
    this.stats.writeTotalBuffered.add(record.length);
    if (this.pending.length >= this.minFlushBytes) this.flush();
    else if (!this.timerArmed) {
      this.timerArmed = true;
      this.timer.enable(this.intervalMs);
    }
  }

  reopen(): void {
    if (standardFd(this.path) >= 0) return;
    this.flushSync();
    try {
      const fresh = openLog(this.path);
      this.retire(this.fd);
      this.fd = fresh;
    } catch {
      this.stats.reopenFailed.inc();
    }
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.timer.disable();
    this.flushSync();
    if (standardFd(this.path) < 0) this.retire(this.fd);
  }

  /** Closes a descriptor, after the write that may still be under way with it. */
  private retire(fd: number): void {
    if (this.writing) this.retired.push(fd);
    else closeSync(fd);
  }

  private onTimer(): void {
    this.timerArmed = false;
    if (this.pending === '') return;
    this.stats.flushedByTimer.inc();
    this.flush();
  }

  private flush(): void {
    if (this.inFlight !== null || this.pending === '' || this.disposed) return;
    const bytes = Buffer.from(this.pending, 'utf8');
    this.stats.writeTotalBuffered.sub(this.pending.length);
    this.pending = '';
    this.send(bytes);
  }

  private send(bytes: Buffer): void {
    this.inFlight = bytes;
    this.writing = true;
    write(this.fd, bytes, 0, bytes.length, null, (error, written) => this.onWritten(bytes, error, written));
  }

  private onWritten(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    this.writing = false;
    for (const fd of this.retired) closeSync(fd);
    this.retired.length = 0;
    // The file was reopened or closed meanwhile.
    if (this.inFlight !== bytes) return;
    this.inFlight = null;
    if (error !== null) {
      if (error.code === 'EAGAIN') {
        this.inFlight = bytes;
        setTimeout(() => {
          if (this.inFlight === bytes) this.send(bytes);
        }, RETRY_MS);
        return;
      }
      this.stats.writeFailed.inc();
    } else if (written < bytes.length) {
      this.send(bytes.subarray(written));
      return;
    } else this.stats.writeCompleted.inc();
    if (this.pending.length >= this.minFlushBytes) this.flush();
  }

  /**
   * Writes everything before it returns. Bytes that the system has already been given are not written twice: the thread pool takes a
   * write at once, and appends are whole.
   */
  private flushSync(): void {
    const text = this.pending;
    this.stats.writeTotalBuffered.sub(text.length);
    this.pending = '';
    this.inFlight = null;
    if (text === '') return;
    const bytes = Buffer.from(text, 'utf8');
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(this.fd, bytes, at);
      this.stats.writeCompleted.inc();
    } catch {
      this.stats.writeFailed.inc();
    }
  }
}

/** Descriptor that the process already has for a path, or -1. */
function standardFd(path: string): number {
  if (path === '/dev/stdout') return 1;
  return path === '/dev/stderr' ? 2 : -1;
}

function openLog(path: string): number {
  const standard = standardFd(path);
  if (standard >= 0) return standard;
  try {
    return openSync(path, 'a', 0o644);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`unable to open file '${path}': ${reason}`, { path: 'path' });
  }
}
