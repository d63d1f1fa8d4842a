/** What a message of a member sets off: each kind goes to the part of the replica that it is for. */
import { blockHash } from '../ledger/block.ts'
import { takeRequest } from './intake.ts'
import type { Message } from './messages.ts'
import type { Replica } from './replica.ts'
import { answerFetch, answerRecall, answerSync } from './serve.ts'
import { answerVouch } from './vouching.ts'

const OBJECTIONS_KEPT = 20
/** What is taken of who is asked, and is no member by what is held here. */
const ANSWERS: ReadonlySet<string> = new Set([
  'STATUS',
  'LEDGER',
  'VOUCHED',
  'RECALLED',
  'FREEZE',
  'EVIDENCE',
])

/**
 * Whether this is an answer of who is no member by what is held here, and is asked all the same: it is told nothing of the contract
 * for that.
 */
export function isAnswer({ beginning, phase, named, roster }: Replica, party: string, type: string): boolean {
  // Of who was a member: it may be one by a history that is not held here (LIN-2).
  if (type === 'FREEZE' && roster.lastSpanOf(party)) return true
  return ANSWERS.has(type) && (party === beginning.voucher || (phase === 'recalling' && named.has(party)))
}

/** @throws CountersignError where its content is refused */
export function receive(replica: Replica, from: string, message: Message, nowMs: number): void {
  replica.resending.heard()
  switch (message.type) {
    case 'REQUEST':
      takeRequest(replica, message.request, message.openings, nowMs, message.judgement)
      break
    case 'JUDGE':
    case 'JUDGED':
      // What is signed in another epoch is asked for again in this one.
      if ((message.epoch ?? 0) !== replica.epochs.number) break
      if (message.type === 'JUDGE') replica.judging.asked(from, message, nowMs)
      else replica.judging.answered(from, message, nowMs)
      break
    case 'PROPOSE':
    case 'STATEMENT':
    case 'CERTIFICATE':
      if (replica.epochs.isOfNow(from, message.epoch, nowMs)) order(replica, from, message, nowMs)
      break
    case 'COSIGN':
      replica.cosigning.take(message.cosignature, nowMs)
      break
    case 'STATUS':
      replica.takeStatus(from, message, nowMs)
      break
    case 'FETCH':
      answerFetch(replica, from, message)
      break
    case 'SYNC':
      answerSync(replica, from, message)
      break
    case 'LEDGER':
      replica.catchingUp.take(from, message, nowMs)
      break
    case 'RECALL':
      answerRecall(replica, from, message.boot)
      break
    case 'OBJECT':
      replica.objections.push({ party: from, view: message.view, block: message.block, code: message.code })
      if (replica.objections.length > OBJECTIONS_KEPT) replica.objections.shift()
      replica.outbox.log('warn', 'objection', {
        contract: replica.contract,
        party: from,
        code: message.code,
      })
      break
    case 'EVIDENCE':
      replica.evidence.told(message.evidence)
      break
    case 'FREEZE':
      replica.freezing.take(message.freeze)
      break
    case 'VOUCH':
      answerVouch(replica, from, message)
      break
    case 'VOUCHED':
      replica.beginning.take(from, message, nowMs)
      break
    case 'PROVE':
      replica.disputes.answer(from, message.fromHeight, nowMs)
      break
    case 'PROOF':
      replica.disputes.take(from, message, nowMs)
      break
    case 'RECALLED':
    case 'INVITE':
    case 'UNKNOWN':
      break
  }
}

type Ordering = Extract<Message, { type: 'PROPOSE' | 'STATEMENT' | 'CERTIFICATE' }>

function order(replica: Replica, from: string, message: Ordering, nowMs: number): void {
  if (message.type === 'PROPOSE') {
    const hash = blockHash(message.block.header)
    replica.event({ type: 'PROPOSE', from, hash, proposal: message, nowMs })
  } else if (message.type === 'STATEMENT')
    replica.event({ type: 'STATEMENT', from, signed: message.signed, nowMs })
  else replica.event({ type: 'CERTIFICATE', from, certificate: message.certificate, nowMs })
}
