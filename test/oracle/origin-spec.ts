// From the short forms of a scenario to the script of an origin.
import { answer } from '../harness/index.ts'
import type { OriginScript, OriginStep, Reply } from '../harness/index.ts'
import { expandAll, expandRuns } from './scenario.ts'
import type { OriginSpec, ReplySpec } from './scenario.ts'

/** The script that a scenario's words mean. Undefined: `200` with the body `hello`. */
export function originScript(spec: OriginSpec | undefined): OriginScript {
  if (spec === undefined) return { replies: [answer()] }
  if (Array.isArray(spec)) return { replies: spec.map(replyOf) }
  if (typeof spec === 'object' && isScript(spec)) return scriptWithReplies(spec)
  return { replies: [replyOf(spec)] }
}

function isScript(spec: OriginSpec): spec is OriginScript {
  return typeof spec === 'object' && ('replies' in spec || 'onConnect' in spec || 'plainTcp' in spec || 'startPaused' in spec || 'http2' in spec || 'onHttp2' in spec || 'paths' in spec)
}

function scriptWithReplies(spec: OriginScript): OriginScript {
  const replies = spec.replies as readonly (Reply | ReplySpec)[] | undefined
  const paths = Object.entries((spec.paths ?? {}) as Readonly<Record<string, Reply | ReplySpec>>)
  return {
    ...spec,
    ...(replies === undefined ? {} : { replies: replies.map((reply) => replyOf(reply as ReplySpec)) }),
    ...(spec.onHttp2 === undefined ? {} : { onHttp2: expandAll(spec.onHttp2) }),
    paths: Object.fromEntries(paths.map(([path, reply]) => [path, replyOf(reply as ReplySpec)])),
  }
}

/** Text is the exact answer; an object is the parts of a response, or `{at, steps}`. */
function replyOf(spec: ReplySpec): Reply {
  if (typeof spec === 'string') return { steps: [{ send: expandRuns(spec) }] }
  const at = { ...(spec.at === undefined ? {} : { at: spec.at }), ...(spec.h2 === undefined ? {} : { h2: expandAll(spec.h2) }) }
  if (spec.h2 !== undefined && spec.steps === undefined) return { steps: [{ send: 'HTTP/1.1 599 this reply has no HTTP/1 form\r\ncontent-length: 0\r\n\r\n' }], ...at }
  if (spec.steps !== undefined) return { ...at, steps: spec.steps.map(stepOf) }
  return { ...at, ...(spec.raw === undefined ? answer(expandAll(spec)) : { steps: [{ send: expandRuns(spec.raw) }] }) }
}

function stepOf(step: OriginStep | { reply: ReplySpec }): OriginStep {
  if ('send' in step && typeof step.send === 'string') return { send: expandRuns(step.send) }
  if (!('reply' in step)) return step
  return replyOf(step.reply).steps[0] ?? { pauseMs: 0 }
}
