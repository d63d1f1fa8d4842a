/**
 * The proof of one element, to be checked with nothing but the members' cards: its opening gives the commitment in its record,
 * the record's hash stands in the Merkle map of the state root, that in the header of a ledger block, the header's hash in the
 * log of every checkpoint that members have cosigned.
 */
import { recordHash } from '../../contract/state.ts'
import { existing, pathOf } from '../../contract/view.ts'
import { mapProof } from '../../crypto/merkle-map.ts'
import { blockHash } from '../../ledger/block.ts'
import { type Cosignature, checkpointNote, cosignedCheckpoint } from '../../ledger/checkpoint.ts'
import type { Replica } from '../../node/replica.ts'
import type { Context } from '../context.ts'
import type { Shown } from '../shown.ts'
import { membersOf } from '../views.ts'

export function proofOf(context: Context, { height, state, stage }: Shown, uid: string) {
  const { contract } = state
  const replica = context.replica(contract)
  const record = existing(state, uid)
  const header = context.states.header(contract, height)
  const opening = record.kind === 'field' ? context.values(state).of(record) : undefined
  return {
    contract,
    path: pathOf(state, uid),
    uid,
    height,
    stage,
    ...(opening && { opening }),
    record,
    recordHash: recordHash(record),
    mapProof: mapProof(state.map, uid),
    header,
    block: blockHash(header),
    checkpoints: checkpointsOver(replica, height),
    members: membersOf(replica).map(({ party, name }) => ({
      party,
      name,
      cosignKey: replica.cosignKeys.get(party),
      hasCosigned: replica.finality.sizeOf(party) > height,
    })),
  }
}

/**
 * A signed note (C2SP) for each size that members have cosigned last, with the RFC 6962 proof that the ledger block of this
 * height is in its log. Sizes beyond what is held here are left out: there is no proof to give yet.
 */
function checkpointsOver({ contract, chain, finality, roster, lineage }: Replica, height: number) {
  const bySize = new Map<number, Cosignature[]>()
  for (const cosignature of finality.cosignatures.values()) {
    const { size } = cosignature
    if (size <= height || size > chain.log.size) continue
    bySize.set(size, [...(bySize.get(size) ?? []), cosignature])
  }
  return [...bySize].map(([size, cosignatures]) => {
    const checkpoint = cosignedCheckpoint(contract, lineage.number, cosignatures[0] as Cosignature)
    // Who has left since, or has a new card, signed by the key it had then.
    const keys = new Map(
      cosignatures.map(({ party, epoch }) => [party, roster.cosignKeyOf(party, epoch) ?? '']),
    )
    return {
      size,
      note: checkpointNote(checkpoint, cosignatures, keys),
      inclusion: { index: height, size, path: chain.log.inclusionProof(height, size) },
    }
  })
}
