/** Two committed histories of one contract, made of real engines and liars that sign for both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Policy } from '../../src/ledger/genesis.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { Engines, type Member, memoryJournal, type WireMessage } from './engines.ts'

const folders: string[] = []
/** Removes what copies were made of members: after each test. */
export function removeCopies(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** A copy of all a member knows and has locked: with it, it can sign everything a second time. */
export function copyOf(member: Member): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-copy-'))
  folders.push(folder)
  member.engine.flush()
  member.store.backup(join(folder, 'copy.db'))
  const records = member.journal.load()
  return () => {
    member.store = openSqliteStore(join(folder, 'copy.db'))
    member.journal = memoryJournal()
    member.journal.append(records)
  }
}

export type Fork = {
  engines: Engines
  contract: string
  liar: Member
  liars: Member[]
  honest: Member[]
  sides: [number[], number[]]
  tips: string[]
}

/**
 * Members who hear only of those on their own side, and liars who sign for both: each side commits a history of its own.
 * sides: members' places; blocks: how many each orders; the liars are the last members.
 */
export function fork(
  count: number,
  sides: [number[], number[]],
  blocks: [number, number] = [1, 1],
  policy: Partial<Policy> = {},
): Fork {
  const engines = new Engines(count)
  const contract = engines.contract('{"a":"0","b":"0"}', count, policy)
  engines.set(engines.member(0), contract, 'a', '1')
  engines.pass(5000)
  return forkOf(engines, contract, sides, blocks)
}

/** The same of a contract that is there: its members who are on neither side lie. */
export function forkOf(
  engines: Engines,
  contract: string,
  sides: [number[], number[]],
  blocks: [number, number] = [1, 1],
  fields: [string, string] = ['a', 'b'],
): Fork {
  const [left, right] = sides
  const lying = engines.members
    .map((_, place) => place)
    .filter((place) => !left.includes(place) && !right.includes(place))
  const liars = lying.map((place) => engines.member(place))
  const forget = liars.map(copyOf)
  const apart = (one: number[], other: number[]): void => {
    for (const a of one) for (const b of other) engines.disconnect(engines.member(a), engines.member(b))
  }
  apart([...left, ...lying], right)
  for (let round = 0; round < blocks[0]; round += 1) {
    engines.set(engines.member(left[0] as number), contract, fields[0], `left ${round}`)
    engines.pass(20_000)
  }
  apart(lying, left)
  for (const one of forget) one()
  for (const liar of liars) engines.boot(liar, false)
  for (const liar of liars) for (const other of liars) if (liar !== other) engines.connect(liar, other)
  for (const liar of liars) for (const place of right) engines.reconnect(liar, engines.member(place))
  for (let round = 0; round < blocks[1]; round += 1) {
    engines.set(engines.member(right[0] as number), contract, fields[1], `right ${round}`)
    engines.pass(20_000)
  }
  const honest = [...left, ...right].map((place) => engines.member(place))
  const tips = honest.map(({ engine }) => engine.replica(contract).chain.tip.hash)
  return { engines, contract, liar: liars.at(-1) as Member, liars, honest, sides, tips }
}

/** What the last members, who lie, are for the others while they order as if nothing were decided. */
function forgetsTurns({ engine }: Member, contract: string): () => void {
  const { chain } = engine.replica(contract)
  const { certifiedBy } = chain
  chain.certifiedBy = () => undefined
  return () => {
    chain.certifiedBy = certifiedBy
  }
}

/** One of these, who is in and goes on, has a block ordered; else a liar has. */
function orderOne(
  engines: Engines,
  contract: string,
  places: readonly number[],
  liar: Member,
  value: string,
): void {
  const members = places.map((place) => engines.member(place))
  const by = members.find(({ engine }) => engine.replica(contract).status === 'accepted') ?? liar
  engines.set(by, contract, value.startsWith('left') ? 'a' : 'b', value)
  engines.pass(20_000)
}

const hasTurn = (message: object): boolean => JSON.stringify(message).includes('"kind":"turn"')

/**
 * Like `fork`, with a change decided before the histories part, and everybody's cosignatures of that held by all: the left has
 * its turn at once, or after so many blocks. The right orders as many blocks before its own turn, if it comes to one.
 * @param decide brings the change about, up to its turn, which does not come yet
 */
export function forkAtTurn(
  count: number,
  sides: [number[], number[]],
  decide: (engines: Engines, contract: string) => void,
  right: { before: number; turns: boolean; left?: number },
  members = count,
): Fork {
  const engines = new Engines(count)
  const contract = engines.contract('{"a":"0","b":"0"}', members)
  const [leftSide, rightSide] = sides
  const lying = engines.members.map((_, at) => at).filter((at) => !sides.flat().includes(at))
  const liars = lying.map((place) => engines.member(place))
  engines.set(engines.member(0), contract, 'a', '1')
  engines.pass(5000)
  const open = engines.line
  const noTurn = (message: WireMessage) =>
    message.type === 'PROPOSE' && hasTurn(message) ? undefined : message
  engines.line = noTurn
  decide(engines, contract)
  const forget = liars.map(copyOf)
  for (const a of [...leftSide, ...lying])
    for (const b of rightSide) engines.disconnect(engines.member(a), engines.member(b))
  const { left = 0 } = right
  const recall = left > 0 ? liars.map((liar) => forgetsTurns(liar, contract)) : []
  for (let round = 0; round < left; round += 1) {
    orderOne(engines, contract, leftSide, liars[0] as Member, `left ${round}`)
  }
  for (const one of recall) one()
  engines.line = open
  engines.pass(20_000)
  orderOne(engines, contract, leftSide, liars[0] as Member, 'left')
  for (const liar of liars) for (const place of leftSide) engines.disconnect(liar, engines.member(place))
  for (const one of forget) one()
  for (const liar of liars) engines.boot(liar, false)
  const remember = right.before > 0 ? liars.map((liar) => forgetsTurns(liar, contract)) : []
  if (right.before > 0) engines.line = noTurn
  for (const liar of liars) for (const other of liars) if (liar !== other) engines.connect(liar, other)
  for (const liar of liars) for (const place of rightSide) engines.reconnect(liar, engines.member(place))
  for (let round = 0; round < right.before; round += 1) {
    orderOne(engines, contract, rightSide, liars[0] as Member, `right ${round}`)
  }
  for (const one of remember) one()
  if (right.turns) {
    engines.line = open
    engines.pass(20_000)
    orderOne(engines, contract, rightSide, liars[0] as Member, 'right, turned')
  }
  for (const liar of liars) for (const place of rightSide) engines.disconnect(liar, engines.member(place))
  engines.line = open
  const honest = sides.flat().map((place) => engines.member(place))
  const tips = honest.map(({ engine }) => engine.replica(contract).chain.tip.hash)
  return { engines, contract, liar: liars.at(-1) as Member, liars, honest, sides, tips }
}

/** The two sides hear of one another again; the liars are gone. */
export function meet({ engines, sides: [left, right] }: Pick<Fork, 'engines' | 'sides'>): void {
  for (const a of left) for (const b of right) engines.reconnect(engines.member(a), engines.member(b))
  engines.pass(60_000)
}
