/** A contract to try execution on: two members, a genesis, and requests that nobody needs to sign. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { apply, type IdentifiedRequest } from '../../src/contract/apply.ts'
import { type Edit, importOperations, type Random } from '../../src/contract/edit.ts'
import {
  type ContractState,
  childrenOf,
  type ElementChange,
  element,
  genesisState,
} from '../../src/contract/state.ts'
import { exportTree, resolvePath } from '../../src/contract/view.ts'
import { generateKeyPair, generateSealingKeyPair } from '../../src/crypto/keys.ts'
import {
  block,
  type DocumentNode,
  FIELD_TYPES,
  type FieldType,
  field,
  list,
} from '../../src/document/tree.ts'
import { type SignedCard, signCard } from '../../src/identity/card.ts'
import { contractId, GENESIS_ROOT, type Genesis } from '../../src/ledger/genesis.ts'
import { commitmentsOf, type Operation, type Request, requestId } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening } from '../../src/ledger/value.ts'

/** Bytes that look random and are the same for the same seed. */
export function seededRandom(seed: string | number): Random {
  let count = 0
  return (sizeBytes) => {
    const bytes = createHash('sha256').update(`${seed} ${count}`).digest()
    count += 1
    return new Uint8Array(bytes.subarray(0, sizeBytes))
  }
}

function testCard(name: string): SignedCard {
  const random = seededRandom(name)
  const pairs = Array.from({ length: 5 }, () => generateKeyPair(random(32)))
  const [root, author, vote, cosign, tls] = pairs.map(({ publicKey }) => publicKey) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const sealing = generateSealingKeyPair(random(32)).publicKey
  const keys = { root, author, vote, cosign, sealing, tls }
  const rootKey = (pairs[0] as (typeof pairs)[0]).privateKey
  return signCard(rootKey, { version: 1, sequence: 1, name, endpoints: [], keys, timeMs: 0 })
}

const members = [testCard('Alder'), testCard('Birch')]

/** A genesis of two members with these operations. */
export function testGenesis(operations: Operation[] = []): Genesis {
  return {
    version: 1,
    name: 'a contract',
    creator: '0'.repeat(64),
    nonce: 'A'.repeat(22),
    timeMs: 1_700_000_000_000,
    members,
    policy: {
      quorum: 'majority',
      clockBoundMs: 60_000,
      silenceMs: null,
      admission: { invite: 'any', admit: 'every' },
    },
    executionVersion: 1,
    operations,
  }
}

/** A contract at height 0, whose openings grow as requests are made. */
export class TestContract {
  readonly genesis: Genesis
  readonly contract: string
  readonly openings = new Map<string, Opening>()
  readonly first: { state: ContractState; changes: ElementChange[] }
  readonly random: Random
  state: ContractState

  constructor(tree: DocumentNode = block('', []), seed: string | number = 'seed') {
    this.random = seededRandom(seed)
    const { operations, openings } = importOperations(tree, GENESIS_ROOT, this.random)
    this.open(openings)
    this.genesis = testGenesis(operations)
    this.contract = contractId(this.genesis)
    this.first = genesisState(this.contract, this.genesis, this.openings)
    this.state = this.first.state
  }

  /** Takes openings in. */
  open(openings: readonly Opening[]): void {
    for (const opening of openings) this.openings.set(commitmentOf(opening), opening)
  }

  /** Commits to a value and returns the commitment. */
  commit(value: Opening['value']): string {
    const opening = { salt: Buffer.from(this.random(16)).toString('base64url'), value }
    this.open([opening])
    return commitmentOf(opening)
  }

  /** A request of these operations. */
  request(operations: Operation[]): IdentifiedRequest {
    const request: Request = {
      contract: this.contract,
      author: '0'.repeat(64),
      authorKey: 'A'.repeat(43),
      nonce: Buffer.from(this.random(16)).toString('base64url'),
      notAfterMs: 1_800_000_000_000,
      operations,
    }
    return { id: requestId(request), request }
  }
}

/** A contract that edits can be made on. */
export class EditedContract extends TestContract {
  /** The UID of the one element at a path. */
  at(path: string): string {
    return resolvePath(this.state, this.state.rootUid, path)
  }

  tree(path = '/'): DocumentNode {
    return exportTree(this.state, this.at(path), this.openings)
  }

  /** Names of the children at a path. */
  names(path = '/'): (string | undefined)[] {
    return childrenOf(this.state, this.at(path)).map((uid) => element(this.state, uid)?.name)
  }

  /** Applies an edit and returns its operations; throws unless it is accepted, and came with just the openings it needs. */
  run({ operations, openings }: Edit): Operation[] {
    const needed = new Set(commitmentsOf(operations))
    if (openings.map(commitmentOf).join() !== [...needed].join()) throw new Error('other openings')
    this.open(openings)
    if (operations.length === 0) return []
    const { outcome, code, state } = apply(this.state, this.request(operations), this.openings, {
      height: 1,
      timeMs: 1,
    })
    if (outcome !== 'accepted') throw new Error(`${outcome}: ${code}`)
    this.state = state
    return operations
  }
}

const names = fc.constantFrom('a', 'b', 'c', 'Amount', '@currency', '#text', 'naïve/[1]~', '😀')

/** A value with a type it has. */
export const typedValue: fc.Arbitrary<{ type: FieldType; value: Opening['value'] }> = fc.oneof(
  fc.string().map((text) => ({ type: 'text' as const, value: text.replaceAll('\u0000', '') })),
  fc.integer().map((value) => ({ type: 'integer' as const, value: `${value}` })),
  fc.integer().map((value) => ({ type: 'decimal' as const, value: `${value}.50` })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
  fc.constant({ type: 'date' as const, value: '2024-02-29' }),
  fc.constant({ type: 'date-time' as const, value: '2024-02-29T12:00:00Z' }),
  fc.integer().map((value) => ({ type: 'money' as const, value: `${value}.50 EUR` })),
  fc.constant({ type: 'choice' as const, value: 'CIF' }),
  fc.constant({ type: 'party' as const, value: 'ab'.repeat(32) }),
  fc.constant({ type: 'file' as const, value: `${'ab'.repeat(32)} 12 application/pdf a b.pdf` }),
  fc.constant({ type: 'null' as const, value: null }),
)

const node: fc.Arbitrary<DocumentNode> = fc.letrec<{ node: DocumentNode }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(names, typedValue).map(([name, { type, value }]) => field(name, type, value)),
    fc.tuple(names, fc.constantFrom(...FIELD_TYPES)).map(([name, type]) => field(name, type, null)),
    fc.tuple(names, fc.array(tie('node'), { maxLength: 4 })).map(([name, children]) => block(name, children)),
    fc.tuple(names, fc.array(tie('node'), { maxLength: 4 })).map(([name, items]) =>
      list(
        name,
        items.map((item) => ({ ...item, name: 'item' })),
      ),
    ),
  ),
})).node

/** Documents with repeated names, lists, and every type; root blocks. */
export const documents: fc.Arbitrary<DocumentNode> = fc
  .array(node, { maxLength: 6 })
  .map((children) => block('', children))
