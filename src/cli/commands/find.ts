/** Contracts and parties by what people type: an id, the beginning of one, or a name. */
import { CountersignError } from '../../crypto/errors.ts'
import type { NodeClient } from '../client.ts'
import type { PeerView } from './peer.ts'

export type ContractView = {
  id: string
  name: string
  status: string
  /** What this party is in it: member, observer, guest, out; and in words. */
  part: string
  standing: string
  height: number
  finalHeight: number
  recordHash: string
  members: { party: string; name: string; connected: boolean; cosignedSize: number }[]
  observers: { party: string; name: string }[]
  waitingFor: { party: string; name: string }[]
  reason?: string
  /** Where it is not held from its first block on; and on the way there. */
  basis?: { height: number; voucher: { name: string } }
  beginning?: { fault?: string }
}

/** What an id, the beginning of one, or a name stands for. @throws CountersignError `not-found`, `bad-request` where several fit */
export function findIn<T>(
  items: readonly T[],
  text: string,
  idOf: (item: T) => string,
  nameOf: (item: T) => string,
  what: string,
): T {
  const wanted = text.replace(/[\s:]/g, '').toLowerCase()
  const byId = /^[0-9a-f]{6,64}$/.test(wanted) ? items.filter((item) => idOf(item).startsWith(wanted)) : []
  const found =
    byId.length > 0 ? byId : items.filter((item) => nameOf(item).toLowerCase() === text.toLowerCase())
  const [only] = found
  if (found.length === 1 && only !== undefined) return only
  if (found.length === 0) throw new CountersignError('not-found', `this node knows no ${what} “${text}”`)
  throw new CountersignError('bad-request', `“${text}” fits ${found.length} ${what}s: give more of the id`)
}

export async function contracts(client: NodeClient): Promise<ContractView[]> {
  return (await client.get<{ contracts: ContractView[] }>('/api/contracts')).contracts
}

/** @throws CountersignError `not-found`, `bad-request` where several fit */
export async function findContract(client: NodeClient, text: string): Promise<ContractView> {
  return findIn(
    await contracts(client),
    text,
    ({ id }) => id,
    ({ name }) => name,
    'contract',
  )
}

/** The party id of a pinned party. @throws CountersignError `not-found`, `bad-request` where several fit */
export async function findParty(client: NodeClient, text: string): Promise<string> {
  const { peers } = await client.get<{ peers: PeerView[] }>('/api/peers')
  const pinned = peers.filter(({ pinned: isPinned }) => isPinned)
  return findIn(
    pinned,
    text,
    ({ party }) => party,
    ({ name }) => name,
    'pinned party',
  ).party
}
