/** What another member tells of our own signatures, as far as it is proven (AMN-2). */
import type { Locks } from '../consensus/state.ts'
import { certificateVerifies, type SignedStatement, statementVerifies } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import { EMPTY_LOCK, type EpochView } from '../signer/locks.ts'
import type { Signer } from '../signer/signer.ts'
import type { RecalledMessage } from './messages.ts'
import type { Replica } from './replica.ts'

/** What the signer has signed last in a contract's lineage, as ordering takes it. */
export function locksOf(signer: Signer, contract: string, lineage: number): Locks {
  const { view, epoch } = signer.lock(contract, lineage) ?? EMPTY_LOCK
  return { epoch, view, statements: signer.reissue(contract, lineage).map(({ statement }) => statement) }
}

/** The views are over in which it may have signed more than it was told. */
export function isOutOfDoubt({ isInDoubt, consensus }: Replica): boolean {
  return isInDoubt && consensus.view > consensus.doubtfulView
}

/** finalized: the view of the COMMIT it shows, if it shows one: an honest member keeps no statements below it. */
export function provenOwn(
  replica: Replica,
  message: Omit<RecalledMessage, 'type' | 'boot'>,
  signer: Signer,
): {
  statements: SignedStatement[]
  cosignature: Cosignature | undefined
  finalized: EpochView | undefined
  freeze: SignedFreeze | undefined
} {
  const { contract, electorate, self, lineage } = replica
  const { cache } = replica.consensus.config
  const { cosignature, finalization, freeze } = message
  // By any of its keys: a card may have come with a turn that is not held here.
  const isOwn = cosignature?.party === self && signer.madeCosignature(contract, lineage.number, cosignature)
  const isProven =
    finalization?.kind === 'finalization' && certificateVerifies(electorate, finalization, cache)
  return {
    statements: message.statements.filter(
      (signed) => signed.party === self && statementVerifies(electorate, signed, cache),
    ),
    cosignature: isOwn ? cosignature : undefined,
    finalized: isProven ? { epoch: electorate.epoch, view: finalization.view } : undefined,
    freeze: freeze && signer.madeFreeze(contract, lineage.number, freeze) ? freeze : undefined,
  }
}

/** Of each contract the last view that is known to be over. */
export class Floors {
  private readonly views = new Map<string, EpochView>()

  /** The last of those told for the contract, this one included; undefined while none was. */
  raise(contract: string, told: EpochView | undefined): EpochView | undefined {
    const held = this.views.get(contract)
    if (told === undefined) return held
    const isHeldLater =
      held !== undefined && (held.epoch > told.epoch || (held.epoch === told.epoch && held.view >= told.view))
    if (!isHeldLater) this.views.set(contract, told)
    return isHeldLater ? held : told
  }
}
