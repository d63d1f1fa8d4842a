/**
 * One contract of a signed report: that the ledger block is of this contract (RPT-3), that every member of its epoch or a later
 * one has cosigned it (RPT-4), and that the elements are those of its state, with the values that they commit to (RPT-5).
 *
 *   value ── opening ── record ── Merkle map ── header ── log ── checkpoint ── cosignature ── card ── party id
 */
import { isElement, recordHash, type StateRecord } from '../contract/record.ts'
import { type ContractState, epochUidOf, restoreState, rootUidOf, stateRoot } from '../contract/state.ts'
import { pathOf } from '../contract/view.ts'
import { verifyInclusion } from '../crypto/log.ts'
import { checkMapProofShape, verifyMapProof } from '../crypto/merkle-map.ts'
import { checkValue } from '../document/types.ts'
import { type Card, cardHash, checkProvenCard, type ProvenCard, partyOf } from '../identity/card.ts'
import { blockHash, type Header, headerShape, logLeaf } from '../ledger/block.ts'
import {
  type Cosignature,
  checkCosignatureShape,
  cosignatureVerifies,
  sameCheckpoint,
} from '../ledger/checkpoint.ts'
import { type EpochRecord, epochRecordShape } from '../ledger/epoch.ts'
import { checkGenesis, contractId, firstEpoch, type Genesis } from '../ledger/genesis.ts'
import { commitmentOf, type Value, valueShape } from '../ledger/value.ts'
import { fail, under } from './finding.ts'
import type { InclusionPath, ReadContractLine, ReadElement } from './report.ts'
import { isPathOf, readRecord } from './report-path.ts'

export type AuditedMember = { party: string; name: string; identified: boolean }

/**
 * A contract as it was found. epoch: of the members; gone: who was a first member and is none of them, on their word; excluded:
 * who is left out of the lineage, which the report does not prove; fields: how many, of which notHeld
 * have a value that is not shown, and withheld are those among them that not everybody may see.
 */
export type AuditedContract = {
  contract: string
  name: string
  height: number
  timeMs: number
  recordHash: string
  lineage: number
  epoch: number
  members: AuditedMember[]
  gone: AuditedMember[]
  excluded: AuditedMember[]
  whole: boolean
  tentative: number
  fields: number
  notHeld: number
  withheld: number
}

export class ContractAudit {
  readonly #line: ReadContractLine
  readonly #place: string
  readonly #header: Header
  readonly #genesis: Genesis
  readonly #found: AuditedContract
  readonly #records = new Map<string, StateRecord>()
  /** Paths that are said of fields, by UID. */
  readonly #paths = new Map<string, string>()

  /** @throws RuleBroken */
  constructor(line: ReadContractLine, atMs: number, trusted: ReadonlySet<string>) {
    this.#line = line
    const { contract } = line
    this.#place = `contract ${contract}`
    const place = this.#place
    this.#genesis = under('RPT-3', place, () => checkGenesis(line.genesis))
    if (contractId(this.#genesis) !== contract)
      fail('RPT-3', place, 'the genesis is that of another contract')
    this.#header = this.#readHeader(line.header)
    if (this.#header.timeMs > atMs)
      fail('RPT-3', place, 'the ledger block is later than what the report is of')
    if (this.#header.lineage > line.lineage) fail('RPT-3', place, 'the ledger block is of a later lineage')
    const { members, epoch, gone, excluded } = this.#checkFinal(trusted)
    this.#found = {
      contract,
      name: this.#genesis.name,
      height: this.#header.height,
      timeMs: this.#header.timeMs,
      recordHash: this.#header.stateRoot,
      lineage: line.lineage,
      epoch,
      members,
      gone,
      excluded,
      whole: line.whole,
      tentative: line.tentative,
      fields: 0,
      notHeld: 0,
      withheld: 0,
    }
  }

  #readHeader(value: unknown): Header {
    const header = under('RPT-3', this.#place, () => headerShape(value, 'header'))
    if (header.contract !== this.#line.contract)
      fail('RPT-3', this.#place, `the ledger block is of contract ${header.contract}`)
    return header
  }

  // ── who has cosigned it ───────────────────────────────────────────────────────────────────────────────────────────

  #checkFinal(trusted: ReadonlySet<string>) {
    const place = this.#place
    const line = this.#line
    const witness = line.witness && this.#readHeader(line.witness.header)
    const epoch = this.#epochIn(witness ?? this.#header)
    const cards = this.#cards()
    const inForce = new Map<string, Card>()
    for (const [index, party] of epoch.members.entries()) {
      const card = cards.get(party)?.find((one) => cardHash(one) === epoch.cards[index])
      if (card === undefined) fail('RPT-4', place, `the card in force of its member ${party} is missing`)
      inForce.set(party, card)
    }
    if (new Set([...inForce.values()].map(({ keys }) => keys.cosign)).size !== inForce.size)
      fail('RPT-4', place, 'two of its members have one key')
    const leftOut = new Set(line.leftOut ?? [])
    if (line.lineage === 0 && leftOut.size > 0)
      fail('RPT-4', place, 'nobody is left out of the first lineage')
    const signers = epoch.members.filter((party) => !leftOut.has(party))
    if (signers.length === 0) fail('RPT-4', place, 'no member is left to sign')
    const bySize = new Map<number, Cosignature>()
    const signed = this.#cosignatures()
    for (const party of signers) {
      const cosignature = signed.get(party)
      const name = JSON.stringify(inForce.get(party)?.name)
      if (cosignature === undefined)
        fail('RPT-4', `cosignature of ${party}`, `it is missing: ${name} has not signed ${place}`)
      this.#checkCosignature(cosignature, epoch.epoch, inForce.get(party) as Card, cards.get(party) ?? [])
      const same = bySize.get(cosignature.size)
      if (same !== undefined && !sameCheckpoint(same, cosignature))
        fail('RPT-4', `cosignature of ${party}`, 'another member has cosigned another history of this size')
      bySize.set(cosignature.size, cosignature)
    }
    const stranger = [...signed.keys()].find((party) => !signers.includes(party))
    if (stranger !== undefined)
      fail('RPT-4', `cosignature of ${stranger}`, 'its party is not a member in the epoch')
    this.#checkInLogs(this.#header, line.paths, bySize)
    if (witness && line.witness) this.#checkInLogs(witness, line.witness.paths, bySize)
    const known = (party: string) => cards.get(party)?.at(-1)?.name ?? party
    const named = (parties: readonly string[]): AuditedMember[] =>
      parties.map((party) => ({ party, name: known(party), identified: trusted.has(party) }))
    const first = firstEpoch(this.#genesis).members
    return {
      members: named(signers),
      epoch: epoch.epoch,
      gone: named(first.filter((party) => !epoch.members.includes(party))),
      excluded: named(epoch.members.filter((party) => leftOut.has(party))),
    }
  }

  /** The epoch record stands in the state after this block, and says who is in. */
  #epochIn(header: Header): EpochRecord {
    const place = this.#place
    const { contract, epoch } = this.#line
    const record = under('RPT-4', place, () => epochRecordShape(epoch.record, 'epoch'))
    const proof = under('RPT-4', place, () => checkMapProofShape(epoch.proof))
    if (!verifyMapProof(header.stateRoot, epochUidOf(contract), recordHash(record), proof))
      fail('RPT-4', place, 'the epoch record is not the one in the state')
    const { members, cards } = record
    if (members.length !== cards.length || new Set(members).size !== members.length)
      fail('RPT-4', place, 'the epoch record does not name each member once, with a card')
    if (record.epoch < this.#header.epoch)
      fail('RPT-4', place, 'the epoch record is of an epoch before that of the ledger block')
    const first = firstEpoch(this.#genesis)
    if (record.epoch === 0 && members.join() !== first.members.join())
      fail('RPT-4', place, 'the members of the first epoch are not those of the genesis')
    return record
  }

  /** Every card shown of a party, the oldest first: those of the genesis, and what came later (CARD-2). */
  #cards(): Map<string, Card[]> {
    const later = this.#line.cards.map((value, index) =>
      under('CARD-2', `card ${index + 1} of ${this.#place}`, () => checkProvenCard(value)),
    )
    const cards = new Map<string, Card[]>()
    for (const proven of [...this.#genesis.members, ...later]) {
      const own = chainOf(proven)
      const held = cards.get(partyOf(proven.card)) ?? []
      cards.set(partyOf(proven.card), own.length > held.length ? own : held)
    }
    return cards
  }

  #cosignatures(): Map<string, Cosignature> {
    const signed = new Map<string, Cosignature>()
    for (const [index, value] of this.#line.cosignatures.entries()) {
      const cosignature = under('CHK-2', `cosignature ${index + 1} of ${this.#place}`, () =>
        checkCosignatureShape(value),
      )
      if (signed.has(cosignature.party))
        fail('RPT-4', `cosignature of ${cosignature.party}`, 'it stands there twice')
      signed.set(cosignature.party, cosignature)
    }
    return signed
  }

  #checkCosignature(cosignature: Cosignature, epoch: number, inForce: Card, own: readonly Card[]): void {
    const place = `cosignature of ${cosignature.party}`
    const { contract, lineage } = this.#line
    const { height, stateRoot: expected } = this.#header
    if (cosignature.size <= height)
      fail(
        'RPT-4',
        place,
        `it is on ${cosignature.size} ledger blocks, and does not cover ledger block ${height}`,
      )
    if (cosignature.epoch < epoch)
      fail(
        'RPT-4',
        place,
        `it is of epoch ${cosignature.epoch}; by the members of epoch ${epoch} nothing is final by it`,
      )
    const isByKey = own.some(
      ({ sequence, keys }) =>
        sequence >= inForce.sequence && cosignatureVerifies(keys.cosign, contract, lineage, cosignature),
    )
    if (!isByKey) fail('CHK-2', place, 'its signature does not verify by the cosign key of its party’s card')
    const isThere = cosignature.size === height + 1
    if (isThere && (cosignature.stateRoot !== expected || cosignature.block !== blockHash(this.#header)))
      fail('RPT-4', place, 'it is on another ledger block or state')
  }

  /** The block is in the log of every checkpoint that was cosigned. */
  #checkInLogs(
    header: Header,
    paths: readonly InclusionPath[],
    bySize: ReadonlyMap<number, Cosignature>,
  ): void {
    const place = `ledger block ${header.height} of ${this.#place}`
    if (paths.length !== bySize.size) fail('RPT-4', place, 'it does not come with one proof for each size')
    for (const [size, { root }] of bySize) {
      const proof = paths.find((one) => one.size === size)
      if (!proof || !verifyInclusion(logLeaf(blockHash(header)), header.height, size, proof.path, root))
        fail('RPT-4', place, `nothing shows that it is in the ledger of size ${size} that was cosigned`)
    }
  }

  // ── what it held ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws RuleBroken */
  elements(elements: readonly ReadElement[]): void {
    for (const one of elements) this.#element(one)
  }

  #element({ uid, record: value, path, salt, value: opened, of, proof }: ReadElement): void {
    const place = `${path === undefined ? `element ${uid}` : `field ${path}`} of ${this.#place}`
    const { contract, whole } = this.#line
    if (this.#records.has(uid)) fail('RPT-5', place, 'it stands there twice')
    const record = under('RPT-5', place, () => readRecord(contract, uid, value))
    this.#records.set(uid, record)
    if (whole !== (proof === undefined))
      fail('RPT-5', place, whole ? 'it has a proof of its own' : 'its proof is missing')
    if (proof !== undefined) {
      const shown = under('RPT-5', place, () => checkMapProofShape(proof))
      if (!verifyMapProof(this.#header.stateRoot, uid, recordHash(record), shown))
        fail('RPT-5', place, 'its proof does not show that it stood in this state')
    }
    const isField = isElement(record) && record.kind === 'field'
    if (isField !== (path !== undefined))
      fail('RPT-5', place, 'a field comes with its path, and nothing else does')
    if ((salt === undefined) !== (opened === undefined) || (salt === undefined && of !== undefined))
      fail('VAL-2', place, 'half of its opening is missing')
    if (path !== undefined) {
      this.#paths.set(uid, path)
      this.#count(record, salt !== undefined)
    }
    if (salt === undefined || opened === undefined) return
    const { type, value: commitment } = record as { type?: Parameters<typeof checkValue>[0]; value?: string }
    const known: Value = under('VAL-1', place, () => valueShape(opened, 'value'))
    if (of !== undefined && of !== uid) fail('VAL-4', place, 'its value is shown as that of another field')
    const opening = { salt, value: known, ...(of !== undefined && { of }) }
    if (!isField || type === undefined || commitmentOf(opening) !== commitment)
      fail('VAL-2', place, 'its value is not the one that was signed')
    under('VAL-3', place, () => checkValue(type, known))
  }

  #count(record: StateRecord, isShown: boolean): void {
    const { value, readers } = record as { value?: string; readers?: readonly string[] }
    this.#found.fields += 1
    if (isShown || value === undefined) return
    this.#found.notHeld += 1
    if (readers !== undefined) this.#found.withheld += 1
  }

  /** All elements have been taken. @throws RuleBroken */
  end(): AuditedContract {
    const place = this.#place
    const { elements, whole } = this.#line
    if (this.#records.size !== elements)
      fail('RPT-5', place, `it is of ${elements} elements, and holds ${this.#records.size}`)
    const state = whole ? this.#wholeState() : undefined
    for (const [uid, path] of this.#paths) {
      const isTrue =
        state === undefined
          ? isPathOf(this.#line.contract, this.#records, uid, path)
          : pathOf(state, uid) === path
      if (!isTrue) fail('RPT-5', `element ${uid} of ${place}`, `its path is not ${path}, as the report says`)
    }
    return this.#found
  }

  /** Nothing was left out: together they give the record hash. */
  #wholeState(): ContractState {
    const { contract } = this.#line
    const state = under('RPT-5', this.#place, () => restoreState(contract, this.#records))
    if (stateRoot(state) !== this.#header.stateRoot)
      fail('RPT-5', this.#place, 'its elements do not give the record hash that was signed')
    const fields = [...this.#records].filter(([, record]) => isElement(record) && record.kind === 'field')
    if (fields.length !== this.#paths.size || !this.#records.has(rootUidOf(contract)))
      fail('RPT-5', this.#place, 'a field is without its path')
    return state
  }
}

function chainOf({ card, earlier = [] }: ProvenCard): Card[] {
  return [...earlier.map((one) => one.card), card]
}
