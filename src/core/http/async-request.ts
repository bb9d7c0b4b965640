import { ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT, ASYNC_FAILURE_RESET } from '../../contract/async-client.ts';
import type { AsyncOngoingRequest, AsyncRequestCallbacks, AsyncRequestMessage, AsyncRequestOptions } from '../../contract/async-client.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { asBuffer } from './as-buffer.ts';
import { AsyncStreamBase } from './async-stream.ts';
import type { AsyncStreamOwner } from './async-stream.ts';

const NOTHING = Buffer.alloc(0);

/** A request whose response is gathered and handed over whole. */
export class AsyncRequestImpl extends AsyncStreamBase implements AsyncOngoingRequest {
  private readonly callbacks: AsyncRequestCallbacks;
  private readonly responseLimit: number;
  private readonly discard: boolean;
  private headers: HeaderMap | null;
  private body: Buffer[];
  private bodyBytes: number;
  private trailers: HeaderMap | null;
  /** A callback has been called, or none is wanted any more. */
  done: boolean;

  constructor(owner: AsyncStreamOwner, callbacks: AsyncRequestCallbacks, options: AsyncRequestOptions, responseLimit: number) {
    super(owner, options);
    this.callbacks = callbacks;
    this.responseLimit = responseLimit;
    this.discard = options.discardResponseBody ?? false;
    this.headers = null;
    this.body = [];
    this.bodyBytes = 0;
    this.trailers = null;
    this.done = false;
  }

  cancel(): void {
    this.done = true;
    this.reset();
  }

  protected onHeaders(headers: HeaderMap): void {
    this.headers = headers;
  }

  protected onData(data: Buffer): void {
    if (this.discard || data.length === 0) return;
    this.bodyBytes += data.length;
    if (this.bodyBytes > this.responseLimit) {
      this.fail(ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT);
      return;
    }
    this.body.push(Buffer.from(data));
  }

  protected onTrailers(trailers: HeaderMap): void {
    this.trailers = trailers;
  }

  protected onComplete(): void {
    if (this.done) return;
    this.done = true;
    const { body } = this;
    const whole = body.length === 1 ? body[0] : body.length === 0 ? NOTHING : Buffer.concat(body, this.bodyBytes);
    this.body = [];
    this.callbacks.onSuccess({ headers: this.headers ?? new HeaderMap(), body: whole, trailers: this.trailers });
  }

  protected onReset(): void {
    if (!this.done) this.fail(ASYNC_FAILURE_RESET);
  }

  private fail(reason: typeof ASYNC_FAILURE_RESET | typeof ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT): void {
    this.cancel();
    this.body = [];
    this.callbacks.onFailure(reason);
  }
}

/** A request whose body is known from the start: a retry takes it from here, whatever its length. */
export class AsyncWholeRequest extends AsyncRequestImpl {
  private readonly request: AsyncRequestMessage;
  private readonly bytes: Buffer | null;

  constructor(
    owner: AsyncStreamOwner, request: AsyncRequestMessage, callbacks: AsyncRequestCallbacks, options: AsyncRequestOptions, responseLimit: number,
  ) {
    // 0 = no limit: nothing is kept beside the message itself.
    super(owner, callbacks, { ...options, bufferLimit: 0 }, responseLimit);
    this.request = request;
    this.bytes = request.body === null || request.body.length === 0 ? null : asBuffer(request.body);
  }

  start(): void {
    const { headers, trailers } = this.request;
    const last = trailers === undefined || trailers === null;
    this.sendHeaders(headers, this.bytes === null && last);
    if (this.bytes !== null) this.sendData(this.bytes, last);
    if (!last) this.sendTrailers(trailers);
  }

  override addDecodedData(): void {}

  override decodingBuffer(): Buffer | null {
    return this.bytes;
  }
}
