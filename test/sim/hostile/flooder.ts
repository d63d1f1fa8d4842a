/** Sends more than anybody could want: statements and blocks of far views, questions, evidence, large values. */
import { signStatements } from '../../../src/crypto/statement.ts'
import type { SignedStatement, Statement } from '../../../src/ledger/certificate.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { Replica } from '../../../src/node/replica.ts'
import type { Random } from '../random.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Cast, type Outlook } from './adversary.ts'
import { anyHash, cosigned, requestMessage, requestOf, revised, voteFor } from './forge.ts'

const EVERY_MS = 500
/** Every so often a liar's connections end, for so long. */
const FLAP_EVERY_MS = 5000
const FLAP_MS = 300
const STATEMENTS = 60
const BLOCKS = 40
const QUESTIONS = 15
const HASHES = 64
const LARGE_VALUE = 200_000

/** Who floods what; accused: an honest member. */
type Given = { liar: SimNode; replica: Replica; random: Random; accused: string }

const FLOODS: Record<string, (given: Given) => object[]> = {
  'statements of far views': ({ liar, replica, random }) => {
    const { contract, consensus } = replica
    const statements = Array.from({ length: STATEMENTS }, (_, index): Statement => {
      const view = consensus.view + 1 + ((index * 17) % 1200)
      const place = { contract, lineage: 0, epoch: 0, view }
      return index % 2 === 0 ? { ...place, type: 'SKIP' } : vote(contract, view, random)
    })
    return said(liar, statements)
  },
  'votes for many blocks': ({ liar, replica, random }) => {
    const { contract, consensus } = replica
    return said(
      liar,
      Array.from({ length: STATEMENTS }, () => vote(contract, consensus.view + 1, random)),
    )
  },
  /** Of views that this liar leads, on parents that nobody has. */
  'blocks of far views': ({ liar, replica, random }) => {
    const { contract, chain, members, consensus } = replica
    const rotations = Math.floor(consensus.view / members.length) + 1
    return Array.from({ length: BLOCKS }, (_, index) => {
      const view = (rotations + (index >> 1)) * members.length + members.indexOf(liar.party.id)
      const made = revised(chain.tip.block, { view, height: chain.height + 2, parent: anyHash(random) })
      return { type: 'PROPOSE', contract, block: made.block, vote: voteFor(liar, made), skipCertificates: [] }
    })
  },
  'cosignatures far ahead': ({ liar, replica, random }) =>
    several(QUESTIONS, (index) => {
      const size = replica.chain.height + 1_000_000 + index
      const [root, block, stateRoot] = [anyHash(random), anyHash(random), anyHash(random)]
      const line = { epoch: 0, size, root, block, stateRoot, timeS: Math.floor(liar.nowMs / 1000) }
      return { type: 'COSIGN', cosignature: cosigned(liar, replica.contract, line) }
    }),
  'questions for what is not there': ({ random }) =>
    several(QUESTIONS, () => ({
      type: 'FETCH',
      blocks: Array.from({ length: HASHES }, () => anyHash(random)),
      requests: Array.from({ length: HASHES }, () => anyHash(random)),
    })),
  'questions for everything': () =>
    several(QUESTIONS, () => ({ type: 'SYNC', fromHeight: 1, toHeight: Number.MAX_SAFE_INTEGER })),
  'questions for proof': () => several(QUESTIONS, () => ({ type: 'PROVE', fromHeight: 1 })),
  'questions for its past': () => several(QUESTIONS, (index) => ({ type: 'RECALL', boot: `boot${index}` })),
  standings: () =>
    several(QUESTIONS, (view) => {
      const standing = { type: 'STATUS', view, committedHeight: view - 1, cosignatures: [] }
      return { ...standing, boot: 'flood', answer: false }
    }),
  objections: ({ replica, random }) =>
    several(STATEMENTS, () => ({
      type: 'OBJECT',
      view: replica.consensus.view,
      block: anyHash(random),
      code: 'wrong-time',
    })),
  /** Two votes that it has really signed, and the same as if an honest member had. */
  'evidence of all sorts': ({ liar, replica, random, accused }) =>
    several(QUESTIONS, (index) => {
      const { contract, consensus } = replica
      const both = [vote(contract, consensus.view, random), vote(contract, consensus.view, random)]
      const party = index % 2 === 0 ? liar.party.id : accused
      const [first, second] = said(liar, both).map(({ signed }) => ({ ...signed, party }))
      return { type: 'EVIDENCE', evidence: { kind: 'two-votes', party, first, second } }
    }),
  'shapeless messages': () => {
    const deep = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`) as unknown
    return [
      { type: 'NOTHING' },
      { type: '__proto__' },
      { type: 'toString' },
      { type: 'STATUS' },
      { type: 'REQUEST', request: deep, openings: [] },
      { type: 'REQUEST', request: { request: { deep } }, openings: [] },
      { type: 'PROPOSE', block: deep, skipCertificates: [] },
      { type: 'INVITE', genesis: {}, openings: [] },
      { type: 'INVITE', genesis: deep, openings: [] },
      { type: 'LEDGER', fromHeight: 1, blocks: [], requests: [], openings: [] },
      { type: 'RECALLED', boot: 'x', statements: [] },
    ]
  },
  'large values': ({ liar, replica, random }) => {
    const notAfterMs = replica.chain.tip.block.header.timeMs + 60_000
    const made = requestOf(liar, replica, random, { value: 'x'.repeat(LARGE_VALUE), notAfterMs })
    return [requestMessage(replica.contract, made)]
  },
  'contracts that nobody has': ({ random }) => [
    { type: 'SYNC', contract: anyHash(random), fromHeight: 1, toHeight: 2 },
  ],
}

const FLOOD_KINDS = Object.keys(FLOODS)
const CONNECTIONS = 'connections that come and go'

export class Flooder extends Adversary {
  readonly name = 'flooder'
  readonly kinds = [...Object.keys(FLOODS), CONNECTIONS]
  private nextMs = 0
  private round = 0
  private isOver = false
  private nextFlapMs = 0
  /** Honest members that have seen a liar's connection end, by both their indices. */
  private readonly down = new Set<string>()
  private readonly sent = new Map<string, string>()

  override turn(): void {
    const nowMs = this.stage.world.nowMs()
    this.watchConnections()
    if (!this.isOver && nowMs >= this.nextFlapMs) this.flap(nowMs)
    if (this.isOver || nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    for (const liar of this.liars)
      for (const contract of this.contracts) {
        const replica = liar.engine?.replicas.get(contract)
        const kind = FLOOD_KINDS[this.round % FLOOD_KINDS.length] as string
        const flood = FLOODS[kind]
        if (!replica || !flood) continue
        this.round += 1
        const accused = this.random.pick(this.honest).party.id
        const messages = flood({ liar, replica, random: this.random, accused }).map(
          (message): Record<string, unknown> => ({ contract, ...message }),
        )
        this.sent.set(JSON.stringify(messages[0]), kind)
        for (const to of this.honest) this.stage.send(liar, to, messages)
      }
  }

  private flap(nowMs: number): void {
    this.nextFlapMs = nowMs + FLAP_EVERY_MS
    const { index } = this.random.pick(this.liars)
    const heal = this.stage.cut((from, to) => from === index || to === index)
    this.stage.schedule(FLAP_MS, heal)
  }

  private watchConnections(): void {
    for (const liar of this.liars)
      for (const { index, engine } of this.honest) {
        const place = `${index} ${liar.index}`
        if (engine && !engine.isUp(liar.party.id)) this.down.add(place)
        else if (engine && this.down.delete(place)) this.count(CONNECTIONS)
      }
  }

  override healed(): void {
    this.isOver = true
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    this.arrivedShapeless(message)
  }

  override arrivedShapeless(message: unknown): void {
    const kind = this.sent.get(JSON.stringify(message))
    if (kind !== undefined) this.count(kind)
  }

  /** A quorum of liars skips far views by itself, and the views before them can be built on no more. */
  outlook({ liars, quorum }: Cast): Outlook {
    return liars < quorum ? 'final' : 'safe'
  }
}

function several(count: number, make: (index: number) => object): object[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

function vote(contract: string, view: number, random: Random): Statement {
  return { contract, lineage: 0, epoch: 0, view, type: 'VOTE', block: anyHash(random) }
}

/** Signed in one batch, to be sent one by one. */
function said(liar: SimNode, statements: readonly Statement[]): { type: string; signed: SignedStatement }[] {
  const signatures = signStatements(liar.party.keys.vote.privateKey, statements)
  return statements.flatMap((statement, index) => {
    const signature = signatures[index]
    return signature ? [{ type: 'STATEMENT', signed: { statement, party: liar.party.id, signature } }] : []
  })
}
