/** Genuine objects of every kind that nodes, auditors and signers read. */

import { generateKeyPair, publicKeyToPem, toPem } from '../../src/crypto/keys.ts'
import { mapProof } from '../../src/crypto/merkle-map.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import type { Entry } from '../../src/ledger/block.ts'
import type { SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import { checkpointBody, checkpointNote, cosign } from '../../src/ledger/checkpoint.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import type { SignedFreeze } from '../../src/ledger/freeze.ts'
import { firstEpoch } from '../../src/ledger/genesis.ts'
import { judgementAt } from '../../src/ledger/judgement.ts'
import type { SignedRequest } from '../../src/ledger/request.ts'
import type { Message, RecoveryMessage } from '../../src/node/messages.ts'
import type { LockRecord } from '../../src/signer/entry.ts'
import { TestContract } from '../support/contract.ts'
import { Club } from '../support/epoch-club.ts'
import { DAY_MS } from '../support/epoch-ledger.ts'
import { frozen } from '../support/freezing.ts'
import { type FixtureBlock, type LedgerFixture, storyLedger } from '../support/ledger-fixture.ts'
import { rekeyed, seededBytes } from '../support/ledger-parties.ts'
import { privateStory } from '../support/private-ledger.ts'
import { reportOf } from '../support/reports.ts'

const random = seededBytes('fuzz')

export const ledger: LedgerFixture = storyLedger(5, { seed: 'fuzz', members: 3 })
export const { contract } = ledger
export const reports = [reportOf(ledger), reportOf(ledger, false)]
const [alder, birch] = ledger.members as [(typeof ledger.members)[0], (typeof ledger.members)[0]]
export const authorKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.author.publicKey]))
export const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))

const second = rekeyed(birch, random)
const third = rekeyed(second, random)
const chain = {
  signature: 'A'.repeat(86),
  card: {
    ...alder.signedCard.card,
    x509: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  },
}
export const cards = [alder.signedCard, second.signedCard, third.signedCard]
/** A later card alone, with a chain, as it may be offered: its signature is not looked at. */
export const laterCard = { ...chain, card: { ...chain.card, ...laterParts() } }

function laterParts() {
  const { sequence, party, previous } = second.signedCard.card
  return { sequence, party, previous }
}

/** A genesis whose second member comes with the cards before its own. */
export const genesis = {
  ...ledger.genesis,
  members: ledger.genesis.members.map((member, index) => (index === 1 ? third.signedCard : member)),
}
export const epoch = firstEpoch(ledger.genesis)

export const blocks = ledger.blocks.map(({ block }) => block)
export const requests: SignedRequest[] = ledger.blocks
  .flatMap((block) => block.requests)
  .map(({ request, signature }) => ({ request, signature }))

/** Private values, and what was judged of them: a bid that is held against a floor, and a sum that is revealed. */
const deal = privateStory({ seed: 'fuzz private', members: ledger.members })
export const dealContract = deal.contract
export const judgedBlocks = [8, 11].map((height) => deal.blockLine(height).block)
export const privateRequests = [8, 11].flatMap((height) => deal.blockLine(height).requests)
export const judgements = judgedBlocks.flatMap(({ entries }) =>
  (entries as Entry[]).flatMap(({ request, judgement = [] }) =>
    judgement.map((judged) => judgementAt({ contract: dealContract, lineage: 0, epoch: 0, request }, judged)),
  ),
)

export const openings = [
  ...ledger.genesisOpenings,
  { salt: 'A'.repeat(22), value: null },
  { salt: 'A'.repeat(22), value: '12', of: deal.field },
]

const tip = ledger.blocks[2] as Required<FixtureBlock>
const { notarization, finalization } = tip
const skip = ledger.certificate('skip', { ...tip.block.header, view: 9 })
export const certificates = [notarization, finalization, skip]

const at = { contract, lineage: 0, epoch: 0, view: 5 }
function sign(...statements: Statement[]): SignedStatement[] {
  const signatures = signStatements(alder.keys.vote.privateKey, statements)
  return statements.map((statement, index) => ({
    statement,
    party: alder.party,
    signature: signatures[index] as StatementSignature,
  }))
}
const blockOf = (digit: string) => digit.repeat(64)
export const statements = [
  ...sign({ ...at, type: 'VOTE', block: blockOf('1') }),
  ...sign(
    { ...at, type: 'VOTE', block: blockOf('2') },
    { ...at, type: 'SKIP' },
    { ...at, type: 'FINALIZE', block: blockOf('3') },
  ),
]
const [voteOne, voteTwo, skipped, finalized] = statements as [
  SignedStatement,
  SignedStatement,
  SignedStatement,
  SignedStatement,
]

const checkpoint = ledger.checkpoint()
const cosignatures = [0, 1, 2].map((member) => ledger.cosignature(member))
const [first] = cosignatures as [(typeof cosignatures)[0]]

export { cosignatures }

const forked = cosign(alder.keys.cosign.privateKey, alder.party, { ...checkpoint, root: blockOf('4') }, 7)
export const evidence: Evidence[] = [
  { kind: 'two-votes', party: alder.party, first: voteOne, second: voteTwo },
  { kind: 'finalize-and-skip', party: alder.party, first: skipped, second: finalized },
  { kind: 'two-checkpoints', party: alder.party, contract, lineage: 0, first, second: forked },
]

const club = new Club({ seed: 'fuzz' })
club.admit(club.elm)
club.do(club.invite(club.alder, club.fir), club.policy(club.birch), club.leave(club.cedar))
club.turn()
club.order()
club.tick({ timeMs: club.timeMs + 11 * DAY_MS })
/** A turn that brings one, one that lets one go, a TICK, and requests on the epoch. */
export const anyBlocks = club.blocks.filter(({ outcomes }) => outcomes.length === 0).map((one) => one.block)
export const epochRequests = club.blocks
  .flatMap((one) => one.requests)
  .map(({ request, signature }) => ({ request, signature }))
export const clubContract = club.contract
export const freezes = [
  frozen(ledger, 0, cosignatures, { evidence: evidence.slice(0, 1) }),
  frozen(ledger, 1, []),
]
export const evidenceFile = {
  ...{ type: 'evidence', version: 1, contract, exporter: alder.party, genesis: ledger.genesis },
  evidence,
  cards: [third.signedCard],
}

const request = requests[0] as SignedRequest
const boot = 'AAECAwQFBgcICQoL'
const [block, hash] = [tip.block, tip.hash]
export const messages: Message[] = [
  { type: 'INVITE', contract, genesis: ledger.genesis, openings: ledger.genesisOpenings },
  { type: 'REQUEST', contract, request, openings },
  { type: 'PROPOSE', contract, block, vote: voteOne, notarization, skipCertificates: [skip] },
  { type: 'STATEMENT', contract, signed: voteOne },
  { type: 'CERTIFICATE', contract, certificate: notarization },
  { type: 'COSIGN', contract, cosignature: first },
  { type: 'STATUS', contract, view: 1, committedHeight: -1, cosignatures, boot, answer: false },
  { type: 'FETCH', contract, requests: [hash], blocks: [hash] },
  { type: 'SYNC', contract, fromHeight: 1, toHeight: 2 },
  { type: 'LEDGER', contract, fromHeight: 1, blocks, requests, openings, notarization, finalization },
  { type: 'RECALL', contract, boot },
  { type: 'RECALLED', contract, boot, statements, cosignature: first, finalization },
  { type: 'OBJECT', contract, view: 2, block: hash, code: 'wrong-outcome' },
  { type: 'UNKNOWN', contract, lineage: 1, epoch: 2 },
  { type: 'EVIDENCE', contract, evidence: evidence[0] as Evidence },
  { type: 'FREEZE', contract, freeze: freezes[0] as SignedFreeze },
  { type: 'PROVE', contract, fromHeight: 1 },
  { type: 'PROOF', contract, fromHeight: 1, headers: [block.header], certificates: [skip] },
]

const judged = judgedBlocks.flatMap(({ entries }) =>
  (entries as Entry[]).flatMap(({ judgement = [] }) => judgement),
)
const revealing = judged.find(({ reveals }) => reveals !== undefined) as (typeof judged)[0]
const asked = privateRequests[0] as (typeof privateRequests)[0]
const uid = deal.field
/** What is asked and answered beside the ledger: of private values, by who begins at a checkpoint, by who has lost its disk. */
export const askingMessages: (Message | RecoveryMessage)[] = [
  { type: 'JUDGE', contract, request: asked, openings, judgement: judged.slice(0, 1) },
  { type: 'JUDGED', contract, request: hash, judged: revealing, openings, waits: true },
  { type: 'VOUCH', contract, height: 7, headers: 2, records: uid, ordered: hash },
  {
    ...{ type: 'VOUCHED', contract, height: 7, cosignatures, cards: [], headers: [block.header] },
    ...{ records: [[uid, { kind: 'field' }]], openings, ordered: [[hash, 1_750_000_000_000]], isLast: true },
  },
  { type: 'LOST' },
  { type: 'HELD', contracts: [contract] },
]

const { party: _, ...cosigned } = first
const { timeS, signature, ...checkpointParts } = cosigned
export const lockRecords: LockRecord[] = [
  {
    kind: 'all',
    counter: 7,
    entries: [
      {
        contract,
        lineage: 0,
        lock: { view: 5, epoch: 0, vote: blockOf('1'), skip: true, cosign: checkpointParts },
        signatures: { vote: voteOne.signature, skip: skipped.signature, cosign: { timeS, signature } },
      },
    ],
  },
  {
    kind: 'batch',
    counter: 8,
    entries: [
      {
        contract,
        lineage: 1,
        lock: { view: 6, epoch: 2, finalize: blockOf('3') },
        signatures: { finalize: finalized.signature },
      },
    ],
  },
]

const state = new TestContract().state
export const mapProofs = [
  mapProof(state.map, state.rootUid),
  mapProof(state.map, '0'.repeat(32)),
  mapProof(state.map, 'f'.repeat(32)),
]

export const notes = [
  checkpointNote(checkpoint, cosignatures, cosignKeys),
  checkpointNote(checkpoint, [first], cosignKeys),
]
export const checkpointTexts = [
  checkpointBody(checkpoint),
  'example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
]
export const pair = generateKeyPair(random(32))
export const privatePem = toPem(pair.privateKey)
export const publicPem = publicKeyToPem(pair.publicKey)

export const JSON_DOCUMENTS = [
  '{"Policy":{"Holder":"Alder","Premium":10.50,"Paid":true,"Note":null,"Lines":[1,"two",{"three":[]}]}}',
  '[{"a":1e2,"#text":"x","@k":"v"},[],{}]',
  '"text"',
]
export const XML_DOCUMENTS = [
  '<?xml version="1.0" encoding="UTF-8"?>\n<Invoice xmlns="urn:a" xmlns:b="urn:b">\n  <b:ID k="1">7</b:ID>\n  <Lines>\n    <Line b:n="2"/>\n  </Lines>\n</Invoice>\n',
  '<?style sheet?><a>x<b>y</b><![CDATA[<z>]]>&amp;&#10;<!-- c --><?pi data?></a>',
  '<p:a xmlns:p="u" p:k="&quot;&lt;"><p:b> </p:b> <c xmlns=""/></p:a>',
]
export const PATHS = ['/', '/Invoice/cac:InvoiceLine[2]/cbc:Amount', '/a~0b/c~1d/e~2f[17]', '/@k']
