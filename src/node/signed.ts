/** What the signer has answered, to the part of a replica that asked for it. */
import type { SignItem, SignResult } from '../signer/signer.ts'
import type { Replica } from './replica.ts'

export function takeSigned(replica: Replica, item: SignItem, result: SignResult, nowMs: number): void {
  if (item.kind === 'checkpoint') replica.cosigning.isPending = false
  if ('refused' in result) refused(replica, item, result.refused, nowMs)
  else if ('signed' in result) replica.event({ type: 'SIGNED', signed: result.signed, nowMs })
  else if ('frozen' in result) replica.freezing.signed(result.frozen)
  else if ('cosignature' in result) replica.cosigning.takeOwn(result.cosignature, nowMs)
  else if (item.kind === 'judgement') replica.judging.signed(item.statement, result.judged, nowMs)
}

function refused(replica: Replica, item: SignItem, reason: string, nowMs: number): void {
  const level = replica.hasLeft ? 'debug' : 'error'
  replica.outbox.log(level, 'signer-refused', { contract: replica.contract, reason })
  if (item.kind === 'statement') replica.event({ type: 'REFUSED', statement: item.statement, nowMs })
  else if (item.kind === 'freeze') replica.freezing.refused()
  else if (item.kind === 'judgement') replica.judging.signed(item.statement, undefined, nowMs)
  // EPO-12: one that was asked for before LEAVE was signed. Nothing larger is cosigned after it, and nothing is wrong.
  else if (!replica.hasLeft) replica.halt(`the signer refused a checkpoint: ${reason}`)
}
