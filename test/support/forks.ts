/** Two committed histories of one contract, made of real engines and liars that sign for both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Policy } from '../../src/ledger/genesis.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { Engines, type Member, memoryJournal } from './engines.ts'

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
  const [left, right] = sides
  const lying = engines.members
    .map((_, place) => place)
    .filter((place) => !left.includes(place) && !right.includes(place))
  const liars = lying.map((place) => engines.member(place))
  engines.set(engines.member(0), contract, 'a', '1')
  engines.pass(5000)
  const forget = liars.map(copyOf)
  const apart = (one: number[], other: number[]): void => {
    for (const a of one) for (const b of other) engines.disconnect(engines.member(a), engines.member(b))
  }
  apart([...left, ...lying], right)
  for (let round = 0; round < blocks[0]; round += 1) {
    engines.set(engines.member(left[0] as number), contract, 'a', `left ${round}`)
    engines.pass(20_000)
  }
  apart(lying, left)
  for (const one of forget) one()
  for (const liar of liars) engines.boot(liar, false)
  for (const liar of liars) for (const other of liars) if (liar !== other) engines.connect(liar, other)
  for (const liar of liars) for (const place of right) engines.reconnect(liar, engines.member(place))
  for (let round = 0; round < blocks[1]; round += 1) {
    engines.set(engines.member(right[0] as number), contract, 'b', `right ${round}`)
    engines.pass(20_000)
  }
  const honest = [...left, ...right].map((place) => engines.member(place))
  const tips = honest.map(({ engine }) => engine.replica(contract).chain.tip.hash)
  return { engines, contract, liar: liars.at(-1) as Member, liars, honest, sides, tips }
}

/** The two sides hear of one another again; the liars are gone. */
export function meet({ engines, sides: [left, right] }: Pick<Fork, 'engines' | 'sides'>): void {
  for (const a of left) for (const b of right) engines.reconnect(engines.member(a), engines.member(b))
  engines.pass(60_000)
}
