/** The contexts of vectors, as our checks take them. */
import type { Electorate } from '../../src/ledger/certificate.ts'
import type { Membership } from '../../src/verify/membership.ts'

/** Members with those of their keys that the folder needs, base64url. */
export type Context = {
  contract: string
  lineage?: number
  epoch?: number
  quorum?: number
  members: { party: string; author?: string; vote?: string; cosign?: string }[]
}

const keysOf = ({ members }: Context, use: 'author' | 'vote' | 'cosign') =>
  new Map(
    members.flatMap((member): [string, string][] => {
      const key = member[use]
      return key === undefined ? [] : [[member.party, key]]
    }),
  )

export function electorateOf(context: Context): Electorate {
  const { contract, lineage = 0, epoch = 0, quorum = context.members.length } = context
  return { contract, lineage, epoch, quorum, voteKeys: keysOf(context, 'vote') }
}

/** A membership without its genesis, which none of the checks of a single format looks at. */
export function membershipOf(context: Context): Membership {
  return {
    contract: context.contract,
    genesis: {} as never,
    members: context.members.map(({ party }) => ({ party, name: '' })),
    electorate: electorateOf(context),
    authorKeys: keysOf(context, 'author'),
    cosignKeys: keysOf(context, 'cosign'),
  }
}
