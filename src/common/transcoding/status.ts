/** absl's status codes that transcoding uses: the same numbers as gRPC's. */
export const STATUS_OK = 0;
export const STATUS_INVALID_ARGUMENT = 3;
export const STATUS_NOT_FOUND = 5;
export const STATUS_UNIMPLEMENTED = 12;
export const STATUS_INTERNAL = 13;

/** What became of a step of transcoding. `message` is a byte string and may be sent to the peer. */
export interface TranscodingStatus {
  readonly code: number;
  readonly message: string;
}

export const OK: TranscodingStatus = Object.freeze({ code: STATUS_OK, message: '' });

export function invalidArgument(message: string): TranscodingStatus {
  return { code: STATUS_INVALID_ARGUMENT, message };
}

export function notFound(message: string): TranscodingStatus {
  return { code: STATUS_NOT_FOUND, message };
}

export function internal(message: string): TranscodingStatus {
  return { code: STATUS_INTERNAL, message };
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [STATUS_OK, 'OK'], [STATUS_INVALID_ARGUMENT, 'INVALID_ARGUMENT'], [STATUS_NOT_FOUND, 'NOT_FOUND'],
  [STATUS_UNIMPLEMENTED, 'UNIMPLEMENTED'], [STATUS_INTERNAL, 'INTERNAL'],
]);

/** The code's name as response code details have it. */
export function statusName(code: number): string {
  return NAMES.get(code) ?? 'UNKNOWN';
}
