/** The contexts of vectors, as our checks take them. */
import { authorKeysAt } from '../../src/contract/epoch.ts'
import type { Card } from '../../src/identity/card.ts'
import type { Electorate } from '../../src/ledger/certificate.ts'
import type { EpochRecord, Invitation } from '../../src/ledger/epoch.ts'
import type { FreezeContext } from '../../src/ledger/freeze.ts'
import type { Top } from '../../src/ledger/freeze-history.ts'
import type { Membership } from '../../src/verify/membership.ts'
import type { AuthorKeyOf } from '../../src/verify/request-audit.ts'

/** Members with those of their keys that the folder needs, base64url. */
export type Context = {
  contract: string
  lineage?: number
  epoch?: number
  quorum?: number
  members: { party: string; author?: string; vote?: string; cosign?: string }[]
  /** Who else may make some requests (EPO-2); change: of its invitation. */
  observers?: { party: string; author: string }[]
  invited?: { party: string; author: string; change: string }[]
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

/** Who may make which request, by the function that a state is asked with: it looks at nothing else of the state. */
export function authorKeysOf({ contract, members, observers = [], invited = [] }: Context): AuthorKeyOf {
  const cardOf = (author = '') => ({ keys: { author } }) as Card
  const parties = members.map(({ party }) => party)
  const epoch: Partial<EpochRecord> = {
    members: parties,
    cards: parties,
    observers: observers.map(({ party }) => [party, party]),
    changes: invited.map(
      ({ change, party, author }) => ({ op: 'invite', change, party, card: cardOf(author) }) as Invitation,
    ),
  }
  const cards = [...members, ...observers].map(({ party, author }) => [party, cardOf(author)] as const)
  return authorKeysAt({
    contract,
    epoch: epoch as EpochRecord,
    cards: { genesis: new Map(cards), newer: new Map() },
  })
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

/** What a FREEZE is checked against: one epoch, and what its lineage began with. */
export function freezeContextOf(context: Context & { base: Top }): FreezeContext {
  const { electorate, cosignKeys } = membershipOf(context)
  const members = context.members.map(({ party }) => party)
  const authorKeys = keysOf(context, 'author')
  return { epochs: [{ electorate, members, cosignKeys, authorKeys }], base: context.base }
}
