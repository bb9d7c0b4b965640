import { create } from '@bufbuild/protobuf';
import type { HttpRule } from '#api/google/api/http_pb.js';
import { api } from '../../config/index.ts';
import type { Method } from './descriptor-pool.ts';

/** The rule of a method without one: POST to its gRPC path, the body is the message. */
export function defaultHttpRule(method: Method): HttpRule {
  const rule = create(api().message<HttpRule>('google.api.HttpRule')) as HttpRule;
  rule.pattern = { case: 'post', value: `/${method.service}/${method.name}` };
  rule.body = '*';
  return rule;
}
