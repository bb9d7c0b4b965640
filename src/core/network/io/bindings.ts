/**
 * Node's own socket handles, as far as handle-transport uses them. Undocumented, so looked at once at start: `loadBindings` answers
 * null where anything is missing or looks different, and net.Socket serves instead.
 */
export interface StreamHandle {
  owner: object | null;
  onread: ((this: StreamHandle) => Uint8Array | undefined) | undefined;
  readonly writeQueueSize: number;
  readStart(): number;
  readStop(): number;
  shutdown(request: object): number;
  useUserBuffer(buffer: Uint8Array): number;
  writev(request: object, chunks: readonly Uint8Array[], allBuffers: true): number;
  writeBuffer(request: object, buffer: Uint8Array): number;
  writeLatin1String(request: object, text: string): number;
  close(done?: () => void): void;
  getsockname?(out: SocketName): number;
  getpeername?(out: SocketName): number;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, seconds: number): number;
  reset?(done: () => void): number;
}

export interface SocketName {
  address?: string;
  port?: number;
  family?: string;
}

export interface TcpHandle extends StreamHandle {
  onconnection: ((status: number, client: StreamHandle | undefined) => void) | undefined;
  bind(ip: string, port: number, flags: number): number;
  bind6(ip: string, port: number, flags: number): number;
  listen(backlog: number): number;
  connect(request: object, ip: string, port: number): number;
  connect6(request: object, ip: string, port: number): number;
  getsockname(out: SocketName): number;
  getpeername(out: SocketName): number;
}

export interface PipeHandle extends StreamHandle {
  onconnection: ((status: number, client: StreamHandle | undefined) => void) | undefined;
  bind(path: string): number;
  listen(backlog: number): number;
  fchmod(mode: number): number;
  connect(request: object, path: string): number;
}

export interface ConnectRequest {
  oncomplete: ((status: number) => void) | undefined;
}

export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number) => void) | undefined;
  transport: object | null;
  /** Keeps the memory of the bytes alive. */
  held: object | null;
}

export interface Bindings {
  readonly TCP: new (type: number) => TcpHandle;
  readonly Pipe: new (type: number) => PipeHandle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ConnectRequest;
  /** [bytes read or error, offset, bytes written, last write was asynchronous, …] */
  readonly state: Int32Array;
  readonly reusePortFlag: number;
  readonly ipv6OnlyFlag: number;
}

/** Indexes into `state`. */
export const STATE_READ = 0;
export const STATE_ASYNC = 3;
/** Handle types. */
export const SOCKET = 0;
export const SERVER = 1;
/** UV_EOF. */
export const EOF = -4_095;

const STREAM_METHODS = ['readStart', 'readStop', 'shutdown', 'useUserBuffer', 'writev', 'writeBuffer', 'writeLatin1String'];

interface Binding {
  readonly [name: string]: unknown;
}

/** The bindings, or null where this runtime has not what is needed. */
export function loadBindings(): Bindings | null {
  try {
    return check((process as unknown as { binding(name: string): Binding }).binding.bind(process));
  } catch {
    return null;
  }
}

function check(binding: (name: string) => Binding): Bindings | null {
  const tcp = binding('tcp_wrap');
  const pipe = binding('pipe_wrap');
  const stream = binding('stream_wrap');
  const classes = [tcp.TCP, tcp.TCPConnectWrap, pipe.Pipe, pipe.PipeConnectWrap, stream.WriteWrap, stream.ShutdownWrap];
  const constants = tcp.constants as Record<string, unknown> | undefined;
  const indexesFit = stream.kReadBytesOrError === STATE_READ && stream.kLastWriteWasAsync === STATE_ASYNC;
  const fits =
    process.platform === 'linux' &&
    classes.every((each) => typeof each === 'function') &&
    stream.streamBaseState instanceof Int32Array &&
    indexesFit &&
    constants?.SOCKET === SOCKET &&
    constants.SERVER === SERVER &&
    STREAM_METHODS.every((name) => name in (tcp.TCP as { prototype: object }).prototype && name in (pipe.Pipe as { prototype: object }).prototype);
  if (!fits) return null;
  return {
    TCP: tcp.TCP as Bindings['TCP'],
    Pipe: pipe.Pipe as Bindings['Pipe'],
    TCPConnectWrap: tcp.TCPConnectWrap as Bindings['TCPConnectWrap'],
    PipeConnectWrap: pipe.PipeConnectWrap as Bindings['PipeConnectWrap'],
    WriteWrap: stream.WriteWrap as Bindings['WriteWrap'],
    ShutdownWrap: stream.ShutdownWrap as Bindings['ShutdownWrap'],
    state: stream.streamBaseState as Int32Array,
    reusePortFlag: Number(constants.UV_TCP_REUSEPORT ?? 0),
    ipv6OnlyFlag: Number(constants.UV_TCP_IPV6ONLY ?? 1),
  };
}
