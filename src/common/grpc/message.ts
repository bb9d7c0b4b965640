import { percentDecode } from '../http/query-params.ts';

const SPACE = 0x20;
const TILDE = 0x7e;
const PERCENT = 0x25;

function isPlain(code: number): boolean {
  return code >= SPACE && code < TILDE && code !== PERCENT;
}

/**
 * `grpc-message` in percent encoding (gRPC PROTOCOL-HTTP2, "Status-Message"): everything but printable ASCII, and `%`. As Envoy does, `~`
 * too. Input and output are byte strings, one character a byte.
 */
export function encodeGrpcMessage(text: string): string {
  let at = 0;
  while (at < text.length && isPlain(text.charCodeAt(at))) at++;
  if (at === text.length) return text;
  let encoded = text.slice(0, at);
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isPlain(code)) encoded += text.charAt(at);
    else encoded += `%${code < 16 ? '0' : ''}${code.toString(16).toUpperCase()}`;
  }
  return encoded;
}

/** The text that a `grpc-message` says; what is not percent encoding stays as it is. Byte strings. */
export function decodeGrpcMessage(encoded: string): string {
  return percentDecode(encoded);
}
