/**
 * A signed report, line by line (PROTOCOL RPT-1): of each contract the final block as of a time, with what proves it to whoever
 * knows its members. No more than one contract's state and one line is held at a time.
 */
import { cardsInForce } from '../contract/epoch.ts'
import { isElement } from '../contract/record.ts'
import { type ContractState, element } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { leafHash, merkleRoot } from '../crypto/log.ts'
import { mapProof } from '../crypto/merkle-map.ts'
import { type Card, cardHash, type ProvenCard, partyOf } from '../identity/card.ts'
import type { Header } from '../ledger/block.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import {
  type ContractLine,
  ELEMENTS_MAX,
  formatReportLine,
  type InclusionPath,
  type ReportedElement,
  type ReportLine,
  type Witness,
} from '../verify/report.ts'
import type { Replica } from './replica.ts'
import { contractsIn, fieldsIn, type Reported, type ReportSource, type ReportWish } from './report.ts'
import type { EpochSpan } from './roster.ts'
import { provenCard } from './vouching.ts'

/**
 * The lines, each with its newline.
 * @param madeMs this node's clock
 * @throws CountersignError `unknown-contract`, `bad-request`, `key-missing`, `too-large`; `invariant-broken`, and the contract is
 * stopped, where what is on disk is not what was signed
 */
export function* reportLines(
  source: ReportSource,
  wish: ReportWish,
  madeMs: number,
): Generator<string, void, void> {
  const { node } = source
  const { reported, leftOut } = contractsIn(source, wish)
  const leaves: string[] = []
  const line = (content: ReportLine): string => {
    const text = formatReportLine(content)
    leaves.push(leafHash(text))
    return `${text}\n`
  }
  const { atMs, fields } = wish
  yield line({
    type: 'report',
    version: 1,
    reporter: node.party,
    atMs,
    madeMs,
    contracts: reported.length,
    leftOut,
    ...(fields && { fields: [...fields] }),
  })
  for (const one of reported) for (const content of contractLines(source, one, fields)) yield line(content)
  const signature = node.signReport(leaves.length, merkleRoot(leaves))
  yield `${formatReportLine({ type: 'signature', card: node.proven(node.party, node.card), signature })}\n`
}

function* contractLines(
  source: ReportSource,
  { contract, height, tentative }: Reported,
  paths: readonly string[] | undefined,
): Generator<ReportLine> {
  const { node, states } = source
  const replica = node.engine.replica(contract)
  const state = states.at(contract, height)
  const header = states.header(contract, height)
  const finality = finalityOf(source, replica, header, state)
  const uids = paths === undefined ? [...state.map].map(([uid]) => uid) : withAbove(state, paths)
  const fieldPaths = new Map(fieldsIn(state, paths).fields.map(({ uid, path }) => [uid, path]))
  yield {
    type: 'contract',
    contract,
    genesis: replica.genesis,
    header,
    elements: uids.length,
    whole: paths === undefined,
    tentative,
    ...finality,
  }
  for (let from = 0; from < uids.length; from += ELEMENTS_MAX) {
    const elements = uids
      .slice(from, from + ELEMENTS_MAX)
      .map((uid) => elementOf(source, replica, state, uid, fieldPaths.get(uid), paths !== undefined))
    yield { type: 'elements', elements }
  }
}

/** The chosen fields and everything above them: with those their paths are seen. */
function withAbove(state: ContractState, paths: readonly string[]): string[] {
  const uids = new Set<string>()
  for (const { uid } of fieldsIn(state, paths).fields)
    for (let here: string | undefined = uid; here !== undefined && !uids.has(here); ) {
      uids.add(here)
      here = here === state.rootUid ? undefined : element(state, here)?.parent
    }
  return [...uids]
}

function elementOf(
  { node, states }: ReportSource,
  replica: Replica,
  state: ContractState,
  uid: string,
  path: string | undefined,
  isProved: boolean,
): ReportedElement {
  const { contract } = replica
  const record = state.map.get(uid) as object
  const one: ReportedElement = { uid, record }
  if (isProved) one.proof = mapProof(state.map, uid)
  if (path === undefined) return one
  one.path = path
  const { value: commitment, readers } = element(state, uid) ?? {}
  // An empty field has nothing to show; what not everybody may see goes into no file that is passed on.
  if (commitment === undefined || readers !== undefined) return one
  const opening = states.read(
    contract,
    () => node.store.openings(contract, [commitment]).get(commitment),
    () => `the value of ${path} on disk is not what was signed`,
  )
  if (opening === undefined) {
    // What was before this party came in may never have been shown to it.
    if (replica.epochs.lacksOlder && !isCurrent(states.tentative(contract).state, uid, commitment)) return one
    throw states.damaged(contract, `the value of ${path} on disk is missing`)
  }
  if (!opens(opening, commitment))
    throw states.damaged(contract, `the value of ${path} on disk is not what was signed`)
  return { ...one, salt: opening.salt, value: opening.value }
}

const opens = (opening: Opening, commitment: string): boolean => commitmentOf(opening) === commitment

function isCurrent(state: ContractState, uid: string, commitment: string): boolean {
  const record = state.map.get(uid)
  return isElement(record) && record.value === commitment
}

type Finality = Pick<
  ContractLine,
  'lineage' | 'leftOut' | 'epoch' | 'witness' | 'cards' | 'cosignatures' | 'paths'
>

/** By whose cosignatures a block is final, and what shows who they are (COS-3). */
function finalityOf(
  { node, states }: ReportSource,
  replica: Replica,
  header: Header,
  state: ContractState,
): Finality {
  const { contract, roster, finality, chain, lineage, genesis } = replica
  const { height } = header
  const final = roster.spans.filter((span) => isFinalBy(replica, span, height))
  // Best an epoch that this very state tells of: else the block that began it has to be shown too.
  const span = final.find(({ electorate }) => electorate.epoch === state.epoch.epoch) ?? final[0]
  if (span === undefined)
    throw new CountersignError(
      'unavailable',
      `ledger block ${height} of contract ${contract} is not final here`,
    )
  const isHere = span.electorate.epoch === state.epoch.epoch
  const witnessHeight = isHere ? height : Math.max(0, span.firstHeight - 1, replica.basis?.height ?? 0)
  const witnessState = isHere ? state : states.at(contract, witnessHeight)
  const cosignatures = span.electorate.members.map((party) => finality.cosignatures.get(party) as Cosignature)
  const sizes = [...new Set(cosignatures.map(({ size }) => size))].sort((one, other) => one - other)
  const pathsOf = (index: number): InclusionPath[] =>
    sizes.map((size) => ({ size, path: chain.log.inclusionProof(index, size) }))
  const witness: Witness = { header: states.header(contract, witnessHeight), paths: pathsOf(witnessHeight) }
  const inGenesis = new Map(genesis.members.map((proven) => [cardHash(proven.card), proven]))
  const needed = new Map<string, Card>()
  for (const card of cardsInForce(span.state).values()) needed.set(partyOf(card), card)
  for (const { party, epoch } of cosignatures) {
    const card = roster.spans[epoch]?.electorate.cards.get(party)
    if (card && card.sequence > (needed.get(party)?.sequence ?? 0)) needed.set(party, card)
  }
  const cards = span.electorate.members.flatMap((party): ProvenCard[] => {
    const card = needed.get(party)
    if (card === undefined || inGenesis.has(cardHash(card))) return []
    // Its own newest card is not among those of its peers; the ones before it prove all of them.
    const proven = party === node.party ? node.proven(party, node.card) : provenCard(replica, card)
    if (proven === undefined)
      throw new CountersignError(
        'unavailable',
        `not all cards of ${party} are held here, so that its signature can’t be proved`,
      )
    return [proven]
  })
  const leftOut = [...lineage.leftOut]
  return {
    lineage: lineage.number,
    ...(leftOut.length > 0 && { leftOut }),
    epoch: { record: witnessState.epoch, proof: mapProof(witnessState.map, witnessState.epochUid) },
    ...(!isHere && { witness }),
    cards,
    cosignatures,
    paths: pathsOf(height),
  }
}

/** Every member of an epoch has cosigned a block of it or a later one, and this block with it. */
function isFinalBy({ finality }: Replica, span: EpochSpan, height: number): boolean {
  const { firstHeight, lastHeight, electorate } = span
  const { members } = electorate
  if (members.length === 0 || (lastHeight !== undefined && height > lastHeight)) return false
  return members.every((party) => finality.sizeOf(party) > Math.max(height, firstHeight))
}
