// How a scripted origin serves one HTTP/2 connection.
import type net from 'node:net'
import { runAction } from './http2-actions.ts'
import type { Http2Action } from './http2-actions.ts'
import { Http2Peer } from './http2-peer.ts'
import type { PeerOptions, PeerStream } from './http2-peer.ts'

/** The reply to a request for `path`, or null while (or when) there is none. `complete`: the request is. */
export type ReplySource = (path: string, complete: boolean) => { readonly h2?: readonly Http2Action[] } | null

const NO_REPLY: readonly Http2Action[] = [{ headers: [':status: 599'] }, { data: 'this reply has no HTTP/2 form', end: true }]

/** Answers the streams of one connection. */
export class Http2Serving {
  readonly peer: Http2Peer
  private readonly replyFor: ReplySource
  private readonly answered = new Set<number>()

  constructor(socket: net.Socket, options: PeerOptions, onConnect: readonly Http2Action[], replyFor: ReplySource) {
    this.peer = new Http2Peer(socket, 'origin', options)
    this.replyFor = replyFor
    this.peer.onStream = (stream) => this.onStream(stream)
    void this.run(onConnect, 0)
  }

  private onStream(stream: PeerStream): void {
    if (this.answered.has(stream.id) || stream.blocks.length === 0) return
    const reply = this.replyFor(stream.field(':path') ?? '', stream.ended)
    if (reply === null) return
    this.answered.add(stream.id)
    void this.run(reply.h2 ?? NO_REPLY, stream.id)
  }

  private async run(actions: readonly Http2Action[], id: number): Promise<void> {
    for (const action of actions) {
      if (this.peer.socket.destroyed) return
      await runAction(this.peer, action, id)
    }
  }
}
