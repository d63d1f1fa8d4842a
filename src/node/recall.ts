/** What another member tells of our own signatures, as far as it is proven (AMN-2). */
import { certificateVerifies, type SignedStatement, statementVerifies } from '../ledger/certificate.ts'
import { type Cosignature, cosignatureVerifies } from '../ledger/checkpoint.ts'
import type { RecalledMessage } from './messages.ts'
import type { Replica } from './replica.ts'

/** finalizedView: of the COMMIT it shows, 0 without one: an honest member keeps no statements below it. */
export function provenOwn(
  replica: Replica,
  message: RecalledMessage,
): { statements: SignedStatement[]; cosignature: Cosignature | undefined; finalizedView: number } {
  const { contract, electorate, self } = replica
  const { cache } = replica.consensus.config
  const { cosignature, finalization } = message
  const key = replica.cosignKeys.get(self) as string
  const isOwn = cosignature?.party === self && cosignatureVerifies(key, contract, 0, cosignature)
  const isProven =
    finalization?.kind === 'finalization' && certificateVerifies(electorate, finalization, cache)
  return {
    statements: message.statements.filter(
      (signed) => signed.party === self && statementVerifies(electorate, signed, cache),
    ),
    cosignature: isOwn ? cosignature : undefined,
    finalizedView: isProven ? finalization.view : 0,
  }
}
