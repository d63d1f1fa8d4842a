/**
 * A contract of several parties with rules, to try what they do. Every request is executed three times: by whoever holds all
 * values, by whoever holds none and takes what rules came to from the entry, and on a state read again from its records; and by each
 * party with what it may see alone. All must come to the same record hash.
 */
import { expect } from 'vitest'
import { type ExecutedBlock, executeBlock, type IdentifiedRequest } from '../../src/contract/apply.ts'
import { createOperations, importOperations, setOperations } from '../../src/contract/edit.ts'
import { judge, judgednessOf, type OwnWord } from '../../src/contract/judge.ts'
import { withReaders } from '../../src/contract/privacy.ts'
import { NotJudged } from '../../src/contract/rules/judging.ts'
import {
  type ContractState,
  element,
  genesisResults,
  genesisState,
  restoreState,
  type StateRecord,
  seenOf,
  stateRoot,
} from '../../src/contract/state.ts'
import { executeTick } from '../../src/contract/tick.ts'
import { resolvePath } from '../../src/contract/view.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { fromJson } from '../../src/document/from-json.ts'
import type { FieldType } from '../../src/document/tree.ts'
import { partyOf } from '../../src/identity/card.ts'
import type { Behaviour, RuleBody } from '../../src/ledger/behaviour.ts'
import type { Entry } from '../../src/ledger/block.ts'
import { contractId, GENESIS_ROOT, type Genesis } from '../../src/ledger/genesis.ts'
import { type JudgedBy, judgementAt } from '../../src/ledger/judgement.ts'
import { committedIn, type Operation, type Request, requestId } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import { seededRandom, testGenesis } from './contract.ts'
import { type FixtureParty, fixtureParty, seededBytes } from './ledger-parties.ts'

/** What came of a request; rule and element say what stands against it. */
export type Came = Omit<Entry, 'kind' | 'request' | 'judgement'>

const MINUTE_MS = 60_000

/** See the head of this file. */
export class Agreement {
  readonly parties: Record<string, string> = {}
  readonly genesis: Genesis
  readonly contract: string
  readonly openings = new Map<string, Opening>()
  /** Who holds the opening of a commitment that not everybody does. */
  readonly holders = new Map<string, Set<string>>()
  readonly #keys = new Map<string, FixtureParty>()
  readonly random = seededRandom('agreement')
  state: ContractState
  height = 0
  timeMs: number
  /** Of the last request. */
  last: ExecutedBlock | undefined
  #records: Map<string, StateRecord>

  /** @param document JSON text; @param rules of the genesis, whose anchors are the root */
  constructor(
    names: readonly string[],
    document: string,
    rules: readonly { path: string[]; behaviour: Behaviour; set?: string }[] = [],
    first: { phase?: string; types?: Operation[]; elements?: Operation[]; openings?: Opening[] } = {},
  ) {
    const members = names.map((name) => fixtureParty(name, seededBytes(name)))
    for (const [index, name] of names.entries()) {
      const member = members[index] as FixtureParty
      this.parties[name] = partyOf(member.signedCard.card)
      this.#keys.set(member.party, member)
    }
    const { operations, openings } = importOperations(fromJson(document), GENESIS_ROOT, this.random)
    this.open([...openings, ...(first.openings ?? [])])
    const drafts = rules.map(
      (rule): Operation => ({
        op: 'draft',
        uid: this.uid(),
        action: { do: 'add', rule: { at: GENESIS_ROOT, ...rule } },
      }),
    )
    const phase: Operation[] = first.phase ? [{ op: 'phase', from: 'live', to: first.phase }] : []
    const creator = Object.values(this.parties)[0] as string
    const base = testGenesis([
      ...(first.types ?? []),
      ...operations,
      ...(first.elements ?? []),
      ...phase,
      ...drafts,
    ])
    const genesis: Genesis = { ...base, creator, members: members.map(({ signedCard }) => signedCard) }
    const results = genesisResults(genesis, this.openings)
    this.genesis = results.length > 0 ? { ...genesis, results } : genesis
    this.contract = contractId(this.genesis)
    const made = genesisState(this.contract, this.genesis, this.openings)
    const unopened = genesisState(this.contract, this.genesis, new Map(), true)
    expect(stateRoot(unopened.state)).toBe(stateRoot(made.state))
    this.open(made.openings)
    this.state = made.state
    this.timeMs = this.genesis.timeMs
    this.#records = new Map(made.changes as [string, StateRecord][])
  }

  uid(): string {
    return Buffer.from(this.random(16)).toString('hex')
  }

  party(name: string): string {
    const party = this.parties[name]
    if (party === undefined) throw new Error(`there is no ${name}`)
    return party
  }

  open(openings: readonly Opening[]): void {
    for (const opening of openings) this.openings.set(commitmentOf(opening), opening)
  }

  at(path: string): string {
    return resolvePath(this.state, this.state.rootUid, path)
  }

  /** A field's value; undefined where it is empty. */
  value(path: string): Value | undefined {
    const { value } = element(this.state, this.at(path)) ?? {}
    return value === undefined ? undefined : this.openings.get(value)?.value
  }

  /** Has a party make a request of these operations. */
  run(name: string, ...operations: Operation[]): Came {
    const [request] = this.requestOf(name, ...operations)
    return this.send(request)
  }

  /** A party's request of these operations, not ordered yet; what not everybody may see is made private. */
  requestOf(name: string, ...wished: Operation[]): [IdentifiedRequest] {
    const openings = committedIn(wished).flatMap(({ commitment }) => this.openings.get(commitment) ?? [])
    const edit = withReaders(this.state, { operations: wished, openings }, this.timeMs + 1)
    this.open(edit.openings)
    const { operations } = edit
    for (const { commitment, readers } of committedIn(operations))
      if (readers !== undefined) this.holders.set(commitment, new Set(readers))
    const request: Request = {
      contract: this.contract,
      author: this.party(name),
      authorKey: 'A'.repeat(43),
      nonce: Buffer.from(this.random(16)).toString('base64url'),
      notAfterMs: 1_900_000_000_000,
      operations,
    }
    return [{ id: requestId(request), request }]
  }

  /** What a party holds. */
  viewOf(party: string): { get(commitment: string): Opening | undefined } {
    return {
      get: (commitment) => {
        const isShown = this.holders.get(commitment)?.has(party) ?? true
        return isShown ? this.openings.get(commitment) : undefined
      },
    }
  }

  /** Has everybody who has to judge a request do so, one after the other; who can't yet is asked again. */
  judged(request: IdentifiedRequest, at = { height: this.height + 1, timeMs: this.timeMs + 1 }): JudgedBy[] {
    const said = new Map<string, Word>()
    for (;;) {
      const given = [...said.values()]
        .flatMap(({ judged, waits }) => (waits.length > 0 ? [] : [judged]))
        .sort((left, right) => (left.party < right.party ? -1 : 1))
      const { lacking } = judgednessOf(this.state, request, this.viewOf(request.request.author), at, given)
      if (lacking.length === 0) return given
      const before = heard(said)
      const asked = new Set([...lacking, ...[...said.values()].flatMap(({ waits }) => waits)])
      for (const party of asked) {
        try {
          const others = [...said.values()].map(({ judged }) => judged)
          const { waits = [], ...word } = this.wordOf(party, request, at, others)
          said.set(party, { judged: this.signed(party, request.id, word), waits })
        } catch (error) {
          if (!(error instanceof NotJudged)) throw error
        }
      }
      if (heard(said) === before) throw new Error(`nobody of ${lacking.join(', ')} can judge it`)
    }
  }

  /** One party's word on a request, signed. */
  judgedBy(
    party: string,
    request: IdentifiedRequest,
    at: { height: number; timeMs: number },
    others: readonly JudgedBy[] = [],
  ): JudgedBy {
    const { waits: _, ...word } = this.wordOf(party, request, at, others)
    return this.signed(party, request.id, word)
  }

  /** What a party says of a request; who may see what it computed gets it. */
  wordOf(
    party: string,
    request: IdentifiedRequest,
    at: { height: number; timeMs: number },
    others: readonly JudgedBy[] = [],
  ): Omit<OwnWord, 'openings'> {
    const { openings, ...said } = judge(this.state, request, this.viewOf(party), at, party, others)
    this.open(openings)
    for (const opening of openings)
      if (opening.of !== undefined) {
        const commitment = commitmentOf(opening)
        this.holders.set(commitment, (this.holders.get(commitment) ?? new Set()).add(party))
      }
    return said
  }

  signed(party: string, request: string, said: Pick<JudgedBy, 'items' | 'reveals'>): JudgedBy {
    const { contract } = this
    const statement = judgementAt({ contract, lineage: 0, epoch: 0, request }, said)
    const { privateKey } = (this.#keys.get(party) as FixtureParty).keys.vote
    const [signature] = signStatements(privateKey, [statement])
    return { party, ...said, signature: signature as JudgedBy['signature'] }
  }

  /** Orders a request, in a block of its own, once it is judged. */
  send(wanted: IdentifiedRequest, judgement: JudgedBy[] = this.judged(wanted)): Came {
    this.height += 1
    this.timeMs += 1
    const request = judgement.length > 0 ? { ...wanted, judgement } : wanted
    const requests = [request]
    const at = { height: this.height, timeMs: this.timeMs }
    const before = this.state
    const executed = executeBlock(before, requests, this.viewOf(wanted.request.author), at)
    for (const party of Object.values(this.parties)) {
      const seen = executeBlock(before, requests, this.viewOf(party), at, executed.entries)
      expect(seen.stateRoot).toBe(executed.stateRoot)
      expect(seen.entriesRoot).toBe(executed.entriesRoot)
      expect(seen.taken).toBe(0)
    }
    const unopened = executeBlock(before, requests, new Map(), at, executed.entries)
    expect(unopened.stateRoot).toBe(executed.stateRoot)
    expect(unopened.entriesRoot).toBe(executed.entriesRoot)
    const again = executeBlock(
      // As a store gives them: by UID, not in the order in which they came.
      restoreState(this.contract, new Map([...this.#records].sort()), this.genesis),
      requests,
      this.openings,
      at,
    )
    expect(again.stateRoot).toBe(executed.stateRoot)
    expect(again.entriesRoot).toBe(executed.entriesRoot)
    this.open(executed.openings)
    this.state = executed.state
    this.last = executed
    for (const [uid, record] of executed.changes)
      if (record === null) this.#records.delete(uid)
      else this.#records.set(uid, record)
    const { kind: _, request: __, judgement: ___, ...came } = executed.entries[0] as Entry
    return came
  }

  /** What is due by time happens. */
  tick(): void {
    this.height += 1
    const at = { height: this.height, timeMs: this.timeMs }
    const ticked = executeTick(this.state, at, this.openings)
    const unopened = executeTick(this.state, at, new Map(), ticked.entries[0].results)
    expect(unopened.stateRoot).toBe(ticked.stateRoot)
    this.open(ticked.openings)
    this.state = ticked.state
    for (const [uid, record] of ticked.changes)
      if (record === null) this.#records.delete(uid)
      else this.#records.set(uid, record)
  }

  /** The operation that sets a field; undefined empties it. */
  setting(path: string, value: Value | undefined, type?: FieldType): Operation {
    return this.settingOf(this.at(path), value, type)
  }

  /** Likewise by its UID. */
  settingOf(uid: string, value: Value | undefined, type?: FieldType): Operation {
    const record = element(this.state, uid)
    const kept = type ?? record?.type ?? 'text'
    if (value === undefined) return { op: 'set', uid, seen: seenOf(this.state, uid) as string, type: kept }
    const { operations, openings } = setOperations(this.state, this.openings, uid, kept, value, this.random)
    this.open(openings)
    return operations[0] as Operation
  }

  /** Has a party set a field. */
  set(name: string, path: string, value: Value | undefined, type?: FieldType): Came {
    return this.run(name, this.setting(path, value, type))
  }

  /** The operations that add a JSON value below an element. */
  adding(parent: string, name: string, json: string): Operation[] {
    return this.addingTo(this.at(parent), name, json)
  }

  /** Likewise by its UID. */
  addingTo(uid: string, name: string, json: string): Operation[] {
    const { operations, openings } = createOperations(this.state, uid, name, fromJson(json), this.random)
    this.open(openings)
    return operations
  }

  add(name: string, parent: string, json: string, as = 'item'): Came {
    return this.run(name, ...this.adding(parent, as, json))
  }

  delete(name: string, path: string): Came {
    return this.run(name, this.deleting(this.at(path)))
  }

  deleting(uid: string): Operation {
    return { op: 'delete', uid, seen: seenOf(this.state, uid) as string }
  }

  /** Has a party draft a rule; gives its UID, or what came of it. */
  draft(
    name: string,
    path: string[],
    behaviour: Behaviour,
    more: Partial<RuleBody> = {},
  ): { uid: string; came: Came } {
    const uid = this.uid()
    const rule: RuleBody = { at: this.state.rootUid, path, behaviour, ...more }
    return { uid, came: this.run(name, { op: 'draft', uid, action: { do: 'add', rule } }) }
  }

  /** Has all parties say yes to drafts, and the first publish them. */
  agree(...uids: string[]): Came {
    const names = Object.keys(this.parties)
    for (const uid of uids)
      for (const name of names)
        if (!this.hasSaidYes(uid, name)) expect(this.vote(name, uid)).toMatchObject({ outcome: 'accepted' })
    return this.run(names[0] as string, { op: 'publish', drafts: uids })
  }

  /** Brings a rule into force. */
  rule(name: string, path: string[], behaviour: Behaviour, more: Partial<RuleBody> = {}): string {
    const { uid, came } = this.draft(name, path, behaviour, more)
    expect(came).toEqual({ outcome: 'accepted' })
    expect(this.agree(uid)).toMatchObject({ outcome: 'accepted' })
    return uid
  }

  vote(name: string, uid: string, yes = true): Came {
    return this.run(name, { op: 'vote-on', uid, yes })
  }

  /** Time passes before the next request. */
  wait(minutes: number): void {
    this.timeMs += minutes * MINUTE_MS
  }

  private hasSaidYes(uid: string, name: string): boolean {
    const record = this.state.map.get(uid) as { yes?: string[] } | undefined
    return record?.yes?.includes(this.party(name)) ?? false
  }
}

/** What a party says so far, and whose word it waits for. */
type Word = { judged: JudgedBy; waits: readonly string[] }

/** How much has been said. */
function heard(said: ReadonlyMap<string, Word>): number {
  let count = 0
  for (const { judged, waits } of said.values()) count += judged.items.length + (waits.length > 0 ? 1 : 2)
  return count
}
