/**
 * A genuine ledger with private values, in memory: what is read of them is judged by who may see it, as nodes have it judged. The
 * first two of three members see a bid, which a constraint holds against a public floor and a rule doubles for the second alone; each of
 * the others shows a cost to the first, who makes their sum public.
 */
import { createOperations, setOperations } from '../../src/contract/edit.ts'
import { judge, judgednessOf } from '../../src/contract/judge.ts'
import { withReaders } from '../../src/contract/privacy.ts'
import { NotJudged } from '../../src/contract/rules/judging.ts'
import { element, rootUidOf, seenOf } from '../../src/contract/state.ts'
import { resolvePath } from '../../src/contract/view.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import { fromJson } from '../../src/document/from-json.ts'
import type { AccessAction, Behaviour, RuleBody } from '../../src/ledger/behaviour.ts'
import { type JudgedBy, judgementAt } from '../../src/ledger/judgement.ts'
import { committedIn, type OpenRequest, type Operation } from '../../src/ledger/request.ts'
import { type AnyLedgerBlock, entriesOf } from '../../src/ledger/turn.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import type { BundleLine } from '../../src/verify/bundle.ts'
import { type FixtureOptions, LedgerFixture } from './ledger-fixture.ts'
import type { FixtureParty } from './ledger-parties.ts'

export type JudgedOpenRequest = OpenRequest & { judgement?: JudgedBy[] }
/** What stands in the place of a judgement, of the request of this id. */
export type Alter = (judgement: JudgedBy[], request: string) => JudgedBy[]

const DOCUMENT = '{"Bid": 0, "Floor": 0, "Double": 0, "Total": 0, "Costs": [{"Cost": 0}, {"Cost": 0}]}'
const PATHS = ['Bid', 'Floor', 'Double', 'Total', 'Costs/item[1]/Cost', 'Costs/item[2]/Cost']

export class PrivateLedger extends LedgerFixture {
  /** UIDs of the rules that read private values, as drafted. */
  readonly rules = { double: this.uid(), floor: this.uid(), total: this.uid() }

  constructor(options: FixtureOptions = {}) {
    super({ seed: 'private', members: 3, ...options })
    const root = rootUidOf(this.contract)
    const made = createOperations(this.tip.state, root, 'Deal', fromJson(DOCUMENT), this.random)
    this.open(made.openings)
    this.send(0, made.operations)
    this.send(
      0,
      PATHS.map((path) => this.setting(path, undefined)),
    )
    const drafts = this.#drafts()
    this.send(0, drafts)
    const uids = drafts.map((draft) => (draft as { uid: string }).uid)
    for (const author of [1, 2])
      this.send(
        author,
        uids.map((uid): Operation => ({ op: 'vote-on', uid, yes: true })),
      )
    this.send(0, [{ op: 'publish', drafts: uids }])
  }

  #drafts(): Operation[] {
    const deal = this.at('')
    const { double, floor, total } = this.rules
    const draft = (at: string, path: string[], behaviour: Behaviour, uid = this.uid()): Operation => {
      const rule: RuleBody = { at, path, behaviour }
      return { op: 'draft', uid, action: { do: 'add', rule } }
    }
    const reader = this.parties[0] as string
    const over = ['Costs', 'Cost']
    return [
      draft(deal, ['Bid'], this.#seenBy(0, 1)),
      draft(deal, ['Double'], this.#seenBy(1)),
      draft(this.at('Costs/item[1]'), ['Cost'], this.#seenBy(0, 1)),
      draft(this.at('Costs/item[2]'), ['Cost'], this.#seenBy(0, 2)),
      draft(deal, ['Double'], { kind: 'assignment', expression: 'Bid * 2' }, double),
      draft(deal, [], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' }, floor),
      draft(deal, ['Total'], { kind: 'aggregate', function: 'sum', over, reader, atLeast: 2 }, total),
    ]
  }

  #seenBy(...members: number[]): Behaviour {
    const grants = members.map((index) => ({ party: this.parties[index] as string }))
    return { kind: 'access', actions: ['see'] as AccessAction[], grants }
  }

  /** The UID of an element of the deal. */
  at(path: string): string {
    const { state } = this.tip
    return resolvePath(state, state.rootUid, path === '' ? '/Deal' : `/Deal/${path}`)
  }

  open(openings: readonly Opening[]): void {
    for (const opening of openings) this.openings.set(commitmentOf(opening), opening)
  }

  /** The operation that sets a number; undefined empties it. */
  setting(path: string, value: Value | undefined): Operation {
    const { state } = this.tip
    const uid = this.at(path)
    if (value === undefined) return { op: 'set', uid, seen: seenOf(state, uid) as string, type: 'decimal' }
    const edit = setOperations(state, this.openings, uid, 'decimal', value, this.random)
    this.open(edit.openings)
    return edit.operations[0] as Operation
  }

  /** A field's value; undefined where it is empty. */
  valueAt(path: string): Value | undefined {
    const { value } = element(this.tip.state, this.at(path)) ?? {}
    return value === undefined ? undefined : this.openings.get(value)?.value
  }

  get #next() {
    return { height: 1, timeMs: this.tip.block.header.timeMs + 1000 }
  }

  /** A member's request, with its values made private where rules say so, and judged by whoever has to. */
  judgedRequest(
    author: number,
    wished: Operation[],
    alter: Alter = (judgement) => judgement,
  ): JudgedOpenRequest {
    const held = committedIn(wished).flatMap(({ commitment }) => this.openings.get(commitment) ?? [])
    const edit = withReaders(this.tip.state, { operations: wished, openings: held }, this.#next.timeMs)
    this.open(edit.openings)
    // Another field's value is shown where it belongs.
    const openings = edit.openings.filter(
      ({ of }) => of === undefined || edit.operations.some((one) => 'uid' in one && one.uid === of),
    )
    const request = this.request(author, edit.operations, openings)
    const judgement = alter(this.#judged(request, openings), request.id)
    this.open(openings)
    return judgement.length > 0 ? { ...request, judgement } : request
  }

  #judged(request: OpenRequest, openings: Opening[]): JudgedBy[] {
    const { state } = this.tip
    let given: JudgedBy[] = []
    for (;;) {
      const { lacking } = judgednessOf(state, request, this.openings, this.#next, given)
      if (lacking.length === 0) return given
      for (const party of lacking) {
        try {
          const { openings: made, ...said } = judge(state, request, this.openings, this.#next, party, given)
          // Whoever judges after it sees what it reveals.
          this.open(made)
          for (const opening of made)
            if (!openings.some((one) => one.salt === opening.salt)) openings.push(opening)
          given = [...given, this.signedBy(party, request.id, said)]
        } catch (error) {
          if (!(error instanceof NotJudged)) throw error
        }
      }
      given.sort((first, second) => (first.party < second.party ? -1 : 1))
    }
  }

  /** A party's word on a request, signed. */
  signedBy(
    party: string,
    request: string,
    { items, reveals }: Pick<JudgedBy, 'items' | 'reveals'>,
  ): JudgedBy {
    const said = { items, ...(reveals !== undefined && { reveals }) }
    const statement = judgementAt({ contract: this.contract, lineage: 0, epoch: 0, request }, said)
    const { keys } = this.members.find((member) => member.party === party) as FixtureParty
    const [signature] = signStatements(keys.vote.privateKey, [statement])
    return { party, ...said, signature: signature as StatementSignature }
  }

  /** Orders a request in a block of its own; gives its code, or `accepted`. */
  send(author: number, operations: Operation[], alter?: Alter): string {
    const { block } = this.order([this.judgedRequest(author, operations, alter)])
    const [entry] = block.entries
    return entry?.code ?? (entry?.outcome as string)
  }

  /** Likewise of one field. */
  put(author: number, path: string, value: string, alter?: Alter): string {
    return this.send(author, [this.setting(path, value)], alter)
  }

  /** The lines of its bundle with the values that everybody may see; with the private ones too. */
  linesFor(withPrivate: boolean): BundleLine[] {
    return this.lines().map((line) => {
      if (line.type !== 'ledger-block') return line
      const named = namedIn(line)
      const openings = line.openings.filter((opening) => {
        return opening.of === undefined || (withPrivate && named.has(commitmentOf(opening)))
      })
      return { ...line, openings }
    })
  }
}

/** What a block commits to: what was computed for a request that was refused then stands nowhere. */
function namedIn({ block, requests }: Extract<BundleLine, { type: 'ledger-block' }>): Set<unknown> {
  const signed = requests as { request: { operations: Operation[] } }[]
  return new Set<unknown>([
    ...signed.flatMap(({ request }) => committedIn(request.operations)).map(({ commitment }) => commitment),
    ...entriesOf(block as AnyLedgerBlock).flatMap(({ results = [] }) =>
      results.map(([, , result]) => result),
    ),
  ])
}

/** What the deal comes to, cosigned by all. */
export function privateStory(options: FixtureOptions = {}): PrivateLedger {
  const ledger = new PrivateLedger(options)
  ledger.put(2, 'Floor', '10')
  ledger.put(0, 'Bid', '12')
  ledger.put(2, 'Floor', '11')
  ledger.put(1, 'Costs/item[1]/Cost', '10')
  ledger.put(2, 'Costs/item[2]/Cost', '20')
  ledger.put(0, 'Bid', '9')
  ledger.cosign()
  return ledger
}
