/** Two committed histories, and a member that is put back to before them. */
import type { Replica } from '../../src/node/replica.ts'
import { Engines, type Member } from './engines.ts'
import { copyOf, type Fork, forkOf } from './forks.ts'

const SIDES: [number[], number[]] = [
  [0, 1],
  [2, 3],
]

export type PutBack = Fork & { put: Member; beside: Member; across: [Member, Member]; back: () => void }

/** Five members of whom one lies. blocks: of each side since they parted, of which one on the left is put back to before. */
export function forked(blocks: [number, number]): PutBack {
  const engines = new Engines(5)
  const contract = engines.contract('{"a":"0","b":"0"}', 5)
  engines.set(engines.member(0), contract, 'a', '1')
  engines.pass(5000)
  const back = copyOf(engines.member(0))
  const fork = forkOf(engines, contract, SIDES, blocks)
  const [put, beside, ...across] = fork.honest as [Member, Member, Member, Member]
  const again = (): void => {
    cutOff({ engines, put })
    back()
    engines.boot(put, true)
  }
  return { ...fork, put, beside, across, back: again }
}

export function cutOff({ engines, put }: Pick<PutBack, 'engines' | 'put'>): void {
  for (const other of engines.members) if (other !== put) engines.disconnect(put, other)
}

export const replicaOf = ({ contract, put }: PutBack, { engine }: Member = put): Replica =>
  engine.replica(contract)
export const hashesOf = ({ contract }: PutBack, { engine, store }: Member): string[] => {
  engine.flush()
  return store.load(contract).blockHashes
}

/** The others freeze; the one that is put back is told of it, and of what it has cosigned, and can read only the other history. */
export function haltShortOfItsOwn({ engines, contract, put, beside, across, liar, back }: PutBack): void {
  for (const member of [beside, ...across]) member.engine.freeze(contract)
  engines.pass(5000)
  back()
  engines.line = (message) => (message.type === 'LEDGER' ? undefined : message)
  engines.reconnect(put, beside)
  engines.pass(5000)
  engines.line = (message, from) => (message.type === 'LEDGER' && from === beside.party ? undefined : message)
  for (const other of [beside, ...across, liar]) engines.reconnect(put, other)
  engines.pass(60_000)
}
