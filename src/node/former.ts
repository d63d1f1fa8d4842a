/**
 * A party that was in a contract and is out: a turn took it, and it may not have heard so. It is told, and given the ledger up to
 * that turn, so that it comes to rest (PROTOCOL EPO-11); of what came after it learns nothing. Its FREEZE is taken: the turn may be
 * of a history that is given up (LIN-2).
 */
import type { Message } from './messages.ts'
import type { Replica } from './replica.ts'
import { answerSync } from './serve.ts'

const TELL_EVERY_MS = 1000

export class Former {
  private readonly replica: Replica
  private readonly toldMs = new Map<string, number>()

  constructor(replica: Replica) {
    this.replica = replica
  }

  /** True for a message of who was in and is out; what it needs has been sent to it then. */
  hears(from: string, message: Message, nowMs: number): boolean {
    const { replica } = this
    const { roster, contract, outbox } = replica
    const last = roster.isHeard(from) ? undefined : roster.lastSpanOf(from)
    if (last?.lastHeight === undefined || message.type === 'FREEZE') return false
    replica.freezing.tellMissing(from, nowMs)
    if (message.type === 'SYNC') {
      const toHeight = Math.min(message.toHeight, last.lastHeight)
      answerSync(replica, from, { ...message, toHeight })
    } else if (message.type === 'PROVE')
      replica.disputes.answer(from, message.fromHeight, nowMs, last.lastHeight)
    else if (message.type !== 'STATUS' || message.committedHeight < last.lastHeight) {
      if (nowMs < (this.toldMs.get(from) ?? 0) + TELL_EVERY_MS) return true
      this.toldMs.set(from, nowMs)
      outbox.send(contract, from, {
        type: 'STATUS',
        epoch: last.electorate.epoch + 1,
        view: 0,
        committedHeight: last.lastHeight,
        cosignatures: [],
        boot: 'out',
        answer: true,
      })
    }
    return true
  }
}
