/**
 * A small ledger of fixed keys, with every step's bytes: what stands frozen in ledger.json; README.md beside it says how to
 * read it. Nothing here comes from the test fixtures, so that they can change.
 */
import { executeBlock } from '../../src/contract/apply.ts'
import {
  type ContractState,
  genesisState,
  recordHash,
  stateRoot,
  subtreeUids,
} from '../../src/contract/state.ts'
import {
  base64UrlDecode,
  base64UrlEncode,
  concat,
  hexDecode,
  hexEncode,
  utf8,
} from '../../src/crypto/bytes.ts'
import { signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { emptyRoot, LogTree, leafHash, merkleRoot } from '../../src/crypto/log.ts'
import { cosignatureMessage } from '../../src/crypto/note.ts'
import { sha256Hex } from '../../src/crypto/provider.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { type Card, type CardKeys, cardHash, type SignedCard, signCard } from '../../src/identity/card.ts'
import { blockHash, type Header, type LedgerBlock, logLeaf, NO_PARENT } from '../../src/ledger/block.ts'
import type { Certificate, SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import {
  type Checkpoint,
  checkpointBody,
  checkpointNote,
  checkpointOf,
  cosign,
} from '../../src/ledger/checkpoint.ts'
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import { contractId, GENESIS_ROOT, type Genesis } from '../../src/ledger/genesis.ts'
import { type Operation, type Request, requestId, signRequest } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'

const TIME_MS = 1_750_000_000_000
const DAY_MS = 86_400_000
const USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
const HOLDERS = ['alder', 'birch', 'alder-2'] as const
type Holder = (typeof HOLDERS)[number]
type Keys = Record<keyof CardKeys, KeyPair>

/** 32 times one byte: 0x01 to 0x06 for Alder’s first keys, 0x11 … for Birch’s, 0x21 … for Alder’s second. */
const seedOf = (holder: Holder, use: keyof CardKeys): Uint8Array =>
  new Uint8Array(32).fill(HOLDERS.indexOf(holder) * 16 + USES.indexOf(use) + 1)

const keysOf = (holder: Holder): Keys =>
  Object.fromEntries(
    USES.map((use) => [
      use,
      (use === 'sealing' ? generateSealingKeyPair : generateKeyPair)(seedOf(holder, use)),
    ]),
  ) as Keys

const keys = { alder: keysOf('alder'), birch: keysOf('birch'), 'alder-2': keysOf('alder-2') }
const publicKeys = (holder: Holder): CardKeys =>
  Object.fromEntries(USES.map((use) => [use, keys[holder][use].publicKey])) as CardKeys

/** The bytes that a hash is of: their text where they are one, otherwise hex. */
const textOf = (domain: string, value: unknown): { preimage: string; hash: string } => {
  const preimage = `countersign/v1/${domain}\n${typeof value === 'string' ? value : jcs(value)}`
  return { preimage, hash: sha256Hex(preimage) }
}

// ── cards ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

const first = (holder: Holder, name: string, endpoints: string[]): SignedCard => {
  const card: Card = { version: 1, sequence: 1, name, endpoints, keys: publicKeys(holder), timeMs: TIME_MS }
  return signCard(keys[holder].root.privateKey, card)
}
const alderFirst = first('alder', 'Alder Insurance', ['alder.example:7400'])
const birch = first('birch', 'Birch Shipping (Zürich)', ['[2001:db8::2]:7400', '192.0.2.2:7401'])
const alderId = cardHash(alderFirst.card)
const birchId = cardHash(birch.card)
const alder = signCard(keys.alder.root.privateKey, {
  ...alderFirst.card,
  party: alderId,
  sequence: 2,
  keys: publicKeys('alder-2'),
  previous: alderId,
  timeMs: TIME_MS + DAY_MS,
})
const partyOfSigner = { 'alder-2': alderId, birch: birchId } as const
type Signer = keyof typeof partyOfSigner

// ── values and genesis ──────────────────────────────────────────────────────────────────────────────────────────────────

const openings: Opening[] = []
const commit = (value: Value): string => {
  const opening = { salt: base64UrlEncode(new Uint8Array(16).fill(openings.length)), value }
  openings.push(opening)
  return commitmentOf(opening)
}
const uid = (byte: number): string => hexEncode(new Uint8Array(16).fill(byte))
const currency = commit('EUR')
const genesis: Genesis = {
  version: 1,
  name: 'Claim 4711',
  creator: alderId,
  nonce: base64UrlEncode(new Uint8Array(16).fill(0xa0)),
  timeMs: TIME_MS + 2 * DAY_MS,
  members: [{ ...alder, earlier: [alderFirst] }, birch],
  policy: {
    quorum: 'majority',
    clockBoundMs: 30_000,
    silenceMs: null,
    admission: { invite: 'any', admit: 'every' },
  },
  executionVersion: 1,
  operations: [
    { op: 'create', uid: uid(1), parent: GENESIS_ROOT, name: 'Claim', kind: 'block', order: 'a' },
    {
      op: 'create',
      uid: uid(2),
      parent: uid(1),
      name: 'Currency',
      kind: 'field',
      order: 'm',
      type: 'text',
      value: currency,
    },
    { op: 'create', uid: uid(3), parent: GENESIS_ROOT, name: 'Goods', kind: 'list', order: 'b' },
  ],
}
const contract = contractId(genesis)
const source = { get: (commitment: string) => openings.find((one) => commitmentOf(one) === commitment) }
const firstState = genesisState(contract, genesis, source).state

// ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function makeRequest(signer: Signer, nonce: number, operations: Operation[]) {
  const { author } = keys[signer]
  const request: Request = {
    contract,
    author: partyOfSigner[signer],
    authorKey: author.publicKey,
    nonce: base64UrlEncode(new Uint8Array(16).fill(nonce)),
    notAfterMs: genesis.timeMs + 7 * DAY_MS,
    operations,
  }
  const { signature } = signRequest(author.privateKey, request)
  return { by: `${signer}.author`, signed: { request, signature }, ...textOf('request', request) }
}
const pounds = commit('GBP')
const dollars = commit('USD')
const amount = commit('zwölf "Stück"\n')
const insured = commit(true)
const requests = {
  accepted: makeRequest('alder-2', 0xb0, [
    { op: 'set', uid: uid(2), seen: currency, type: 'text', value: pounds },
    {
      op: 'create',
      uid: uid(4),
      parent: uid(1),
      name: 'Insured',
      kind: 'field',
      order: 'n',
      type: 'boolean',
      value: insured,
    },
  ]),
  conflicted: makeRequest('birch', 0xb1, [
    { op: 'set', uid: uid(2), seen: currency, type: 'text', value: dollars },
  ]),
  rejected: makeRequest('birch', 0xb2, [
    {
      op: 'create',
      uid: uid(5),
      parent: uid(3),
      name: 'Größe',
      kind: 'field',
      order: 'a',
      type: 'decimal',
      value: amount,
    },
  ]),
}

// ── ledger blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

const log = new LogTree()

function blockVector(block: LedgerBlock, effects: readonly unknown[], state: ContractState) {
  const { header, entries } = block
  const leaves = entries.map((entry, index) => {
    const text = jcs({ ...entry, effects: effects[index] })
    return { text, hash: leafHash(text) }
  })
  const hash = blockHash(header)
  log.append(logLeaf(hash))
  const records = [...state.map.entries()].map(([one, record]) => {
    const domain = 'kind' in record ? 'element' : 'meta'
    return { uid: one, record, ...textOf(domain, record) }
  })
  return {
    block,
    effects,
    leaves,
    entriesRoot: merkleRoot(leaves.map((leaf) => leaf.hash)),
    records,
    stateRoot: stateRoot(state),
    ...textOf('ledger-block', header),
    logLeaf: logLeaf(hash),
    logRoot: log.root(),
  }
}

function nextBlock(
  before: { block: LedgerBlock; hash: string; state: ContractState },
  view: number,
  ordered: Request[],
) {
  const timeMs = before.block.header.timeMs + 1000
  const identified = ordered.map((request) => ({ id: requestId(request), request }))
  const executed = executeBlock(before.state, identified, source, { height: 1, timeMs })
  const header: Header = {
    ...before.block.header,
    height: before.block.header.height + 1,
    view,
    parent: before.hash,
    timeMs,
    entriesRoot: executed.entriesRoot,
    stateRoot: executed.stateRoot,
    logRoot: log.root(),
  }
  const block = { header, entries: executed.entries }
  return { ...blockVector(block, executed.effects, executed.state), state: executed.state }
}

const zero: LedgerBlock = {
  header: {
    contract,
    lineage: 0,
    epoch: 0,
    height: 0,
    view: 0,
    parent: NO_PARENT,
    timeMs: genesis.timeMs,
    entriesRoot: emptyRoot,
    stateRoot: stateRoot(firstState),
    logRoot: emptyRoot,
  },
  entries: [],
}
const block0 = { ...blockVector(zero, [], firstState), state: firstState }
const { accepted, conflicted, rejected } = requests
const block1 = nextBlock(
  block0,
  1,
  [accepted, conflicted, rejected].map(({ signed }) => signed.request),
)
const subtree = textOf(
  'subtree',
  subtreeUids(block1.state, uid(1))
    .sort()
    .map((one) => [one, recordHash(block1.state.map.get(one) as never)]),
)
const deleted = makeRequest('alder-2', 0xb3, [{ op: 'delete', uid: uid(1), seen: subtree.hash }])
const block2 = nextBlock(block1, 3, [deleted.signed.request])
const blocks = [block0, block1, block2]

// ── statements, certificates, checkpoints, evidence ─────────────────────────────────────────────────────────────────────

const at = { contract, lineage: 0, epoch: 0 }
const vote = (block: string, view: number): Statement => ({ type: 'VOTE', ...at, view, block })
const finalize = (block: string, view: number): Statement => ({ type: 'FINALIZE', ...at, view, block })
const skip = (view: number): Statement => ({ type: 'SKIP', ...at, view })

function signBatch(signer: Signer, statements: Statement[]) {
  const signatures = signStatements(keys[signer].vote.privateKey, statements)
  const leaves = statements.map((statement) => ({ text: jcs(statement), hash: leafHash(jcs(statement)) }))
  const root = merkleRoot(leaves.map(({ hash }) => hash))
  return {
    by: `${signer}.vote`,
    leaves,
    root,
    message: hexEncode(signingInput('statements', hexDecode(root))),
    signed: statements.map((statement, index) => ({
      statement,
      party: partyOfSigner[signer],
      signature: signatures[index] as SignedStatement['signature'],
    })),
  }
}
const single = signBatch('birch', [vote(block1.hash, 1)])
const batch = signBatch('alder-2', [
  vote(block1.hash, 1),
  skip(2),
  finalize(block1.hash, 1),
  finalize(block2.hash, 3),
  vote(block2.hash, 3),
])
const others = signBatch('birch', [skip(2), finalize(block1.hash, 1)])

function certificate(kind: Certificate['kind'], ...signed: (SignedStatement | undefined)[]): Certificate {
  const [{ statement }] = signed as [SignedStatement]
  const signatures = (signed as SignedStatement[]).map(
    ({ party, signature }): Certificate['signatures'][number] => [party, signature],
  )
  const { view } = statement
  return statement.type === 'SKIP'
    ? { kind, view, signatures }
    : { kind, view, block: statement.block, signatures }
}
const certificates = [
  certificate('notarization', batch.signed[0], single.signed[0]),
  certificate('finalization', batch.signed[2], others.signed[1]),
  certificate('skip', batch.signed[1], others.signed[0]),
]

const cosignKeys = new Map([
  [alderId, keys['alder-2'].cosign.publicKey],
  [birchId, keys.birch.cosign.publicKey],
])
function checkpointVector(checkpoint: Checkpoint) {
  const body = checkpointBody(checkpoint)
  const cosigned = (['alder-2', 'birch'] as const).map((signer, index) => {
    const timeS = Math.floor(genesis.timeMs / 1000) + checkpoint.size + index
    const cosignature = cosign(keys[signer].cosign.privateKey, partyOfSigner[signer], checkpoint, timeS)
    return { by: `${signer}.cosign`, cosignature, message: hexEncode(cosignatureMessage(body, timeS)) }
  })
  const cosignatures = cosigned.map(({ cosignature }) => cosignature)
  return { checkpoint, body, cosigned, note: checkpointNote(checkpoint, cosignatures, cosignKeys) }
}
const checkpoints = [
  checkpointVector(checkpointOf(block0.block.header, block0.logRoot)),
  checkpointVector(checkpointOf(block2.block.header, block2.logRoot)),
]

function evidenceVector(evidence: Evidence, signed: unknown[]) {
  const { kind, party } = evidence
  const text = textOf('evidence', { kind, party, signed })
  if (text.hash !== evidenceId(evidence)) throw new Error('the id is not over the text that is shown for it')
  return { evidence, ...text }
}
function twoStatements(
  kind: 'two-votes' | 'two-finalizes' | 'finalize-and-skip',
  one: Statement,
  two: Statement,
) {
  const [left, right] = signBatch('birch', [one, two]).signed as [SignedStatement, SignedStatement]
  return evidenceVector({ kind, party: birchId, first: right, second: left }, [one, two])
}
const forked: Checkpoint = { ...checkpointOf(block1.block.header, block1.logRoot), root: block0.logLeaf }
const [low, high] = [forked, checkpointOf(block1.block.header, block1.logRoot)].sort((a, b) =>
  jcs(a) < jcs(b) ? -1 : 1,
) as [Checkpoint, Checkpoint]
const birchCosigns = (checkpoint: Checkpoint) =>
  cosign(keys.birch.cosign.privateKey, birchId, checkpoint, 1_750_200_000)
const [lowBlock, highBlock] = [block1.hash, block2.hash].sort() as [string, string]
const evidence = [
  twoStatements('two-votes', vote(lowBlock, 4), vote(highBlock, 4)),
  twoStatements('two-finalizes', finalize(lowBlock, 4), finalize(highBlock, 4)),
  twoStatements('finalize-and-skip', finalize(lowBlock, 4), skip(4)),
  evidenceVector(
    {
      kind: 'two-checkpoints',
      party: birchId,
      contract,
      lineage: 0,
      first: birchCosigns(high),
      second: birchCosigns(low),
    },
    [low, high],
  ),
]

/** All vectors, as they stand in ledger.json. */
export function ledgerVectors(): unknown {
  const card = (by: Holder, signed: SignedCard) => ({
    by: `${by}.root`,
    signed,
    ...textOf('card', signed.card),
  })
  return JSON.parse(
    JSON.stringify({
      about: 'A small ledger of fixed keys with the bytes of every step; README.md says how to read it.',
      keys: HOLDERS.flatMap((holder) =>
        USES.map((use) => ({
          name: `${holder}.${use}`,
          seed: hexEncode(seedOf(holder, use)),
          publicKey: keys[holder][use].publicKey,
        })),
      ),
      cards: [card('alder', alderFirst), card('alder', alder), card('birch', birch)],
      commitments: openings.map((opening) => ({
        opening,
        preimage: hexEncode(
          concat(utf8('countersign/v1/value\n'), base64UrlDecode(opening.salt), utf8(jcs(opening.value))),
        ),
        hash: commitmentOf(opening),
      })),
      genesis: { genesis, ...textOf('contract', genesis) },
      uids: [textOf('meta', `root${contract}`), textOf('meta', `epoch${contract}`)],
      subtree,
      requests: [accepted, conflicted, rejected, deleted],
      blocks: blocks.map(({ state: _, ...block }) => block),
      statements: [single, batch, others],
      certificates,
      checkpoints,
      evidence,
    }),
  )
}
