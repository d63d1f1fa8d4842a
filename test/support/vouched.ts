/** A party that is let in and begins at a checkpoint which a member vouches for (EPO-15). */
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import { Engines, type Member } from './engines.ts'

/** Two founders, a third that came in, a card replaced, some history; a fourth let in, which has read nothing yet. */
export function vouchedWorld() {
  const engines = new Engines(4)
  const [first, second, third, fourth] = engines.members as [Member, Member, Member, Member]
  // As nodes do with whom they have pinned.
  for (const { store } of engines.members)
    store.write(engines.members.map(({ card }) => ({ kind: 'peer-card', card, pinnedMs: engines.nowMs })))
  const contract = engines.contract('{"a":"1","b":{"c":"x"}}', 2)
  const ask = (member: Member, operation: EpochOperation) =>
    member.engine.submit(contract, [operation], [], engines.nowMs, () => undefined)
  const invite = (by: Member, { card }: Member, older: boolean) =>
    ask(by, { op: 'invite', card, role: 'member', older, expiresMs: engines.nowMs + 3_600_000 })
  const yes = (members: readonly Member[], change: string) => {
    for (const member of members) ask(member, { op: 'vote', change, yes: true })
  }
  for (const value of ['2', '3']) {
    engines.set(first, contract, 'a', value)
    engines.pass(3000)
  }
  const ofThird = invite(first, third, true)
  engines.pass(3000)
  yes([second], ofThird)
  engines.pass(4000)
  third.engine.accept(contract, engines.nowMs)
  engines.pass(6000)
  engines.set(third, contract, 'a', '4')
  engines.pass(4000)
  const ofFourth = invite(second, fourth, false)
  engines.pass(3000)
  // What it would read by itself is held back: it begins elsewhere.
  engines.line = (message, _, to) => (to === fourth.party && message.type === 'LEDGER' ? undefined : message)
  yes([first, third], ofFourth)
  engines.pass(4000)
  const replicaOf = (member: Member) => member.engine.replica(contract)
  return { engines, contract, first, second, third, fourth, replicaOf, ask }
}

export type VouchedWorld = ReturnType<typeof vouchedWorld>

/** The fourth has begun there and come in, with something written since. */
export function begunWorld(): VouchedWorld {
  const made = vouchedWorld()
  const { engines, contract, third, fourth } = made
  fourth.engine.accept(contract, engines.nowMs, third.party)
  engines.pass(3000)
  engines.line = (message) => message
  fourth.engine.accept(contract, engines.nowMs)
  engines.pass(8000)
  engines.set(fourth, contract, 'a', '5')
  engines.pass(5000)
  fourth.engine.flush()
  return made
}
