/** Private values among members that lie: who names others' commitments, reveals what it does not open, never comes to an end. */
import { beforeEach, describe, expect, it } from 'vitest'
import { setOperations } from '../../src/contract/edit.ts'
import { childrenOf, element } from '../../src/contract/state.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import type { Behaviour } from '../../src/ledger/behaviour.ts'
import { type JudgedBy, type JudgedItem, judgementAt } from '../../src/ledger/judgement.ts'
import { type Operation, type Request, signRequest } from '../../src/ledger/request.ts'
import { requestIdsOf } from '../../src/ledger/turn.ts'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

let engines: Engines
let contract: string
let told: { message: WireMessage; to: string }[]

const stateOf = (member: Member) => member.engine.replica(contract).chain.tip.state
const uidOf = (name: string): string => {
  const state = stateOf(engines.member(0))
  return childrenOf(state, state.rootUid).find((uid) => element(state, uid)?.name === name) as string
}
const committedTo = (name: string): string =>
  element(stateOf(engines.member(0)), uidOf(name))?.value as string
const outcome = (member: Member, id: string) => member.store.request(contract, id)?.outcome
const three = () => engines.members as [Member, Member, Member]
const toldTo = (member: Member, what: string) =>
  told.filter(({ message, to }) => to === member.party && JSON.stringify(message).includes(what))

function run(member: Member, ...operations: Operation[]): void {
  const id = member.engine.submit(contract, operations, [], engines.nowMs, () => undefined)
  engines.pass(5000)
  expect(outcome(member, id)).toBe('accepted')
}

function rule(path: string[], behaviour: Behaviour, anchor?: string): void {
  const [first, ...others] = three()
  const uid = Buffer.from(engines.random(16)).toString('hex')
  const at = anchor ?? stateOf(first).rootUid
  run(first, { op: 'draft', uid, action: { do: 'add', rule: { at, path, behaviour } } })
  for (const other of others) run(other, { op: 'vote-on', uid, yes: true })
  run(first, { op: 'publish', drafts: [uid] })
}

const seenBy = (...members: Member[]): Behaviour => ({
  kind: 'access',
  actions: ['see'],
  grants: members.map(({ party }) => ({ party })),
})

/** A request as its author's own program could make it. */
function signed(author: Member, operations: Operation[]) {
  const request: Request = {
    contract,
    author: author.party,
    authorKey: author.keys.author.publicKey,
    nonce: Buffer.from(engines.random(16)).toString('base64url'),
    notAfterMs: engines.nowMs + 600_000,
    operations,
  }
  return signRequest((author.keys.author as KeyPair).privateKey, request)
}

function judged(by: Member, request: string, items: JudgedItem[], reveals?: string[]): JudgedBy {
  const said = { items, ...(reveals && { reveals }) }
  const statement = judgementAt({ contract, lineage: 0, epoch: 0, request }, said)
  const [signature] = signStatements((by.keys.vote as KeyPair).privateKey, [statement])
  return { party: by.party, ...said, signature: signature as JudgedBy['signature'] }
}

const say = (from: Member, to: Member, message: object): void => {
  to.engine.deliver(from.party, [{ contract, ...message }], engines.nowMs)
  engines.settle()
}

beforeEach(() => {
  engines = new Engines(3)
  contract = engines.contract('{"Bid": 1, "Own": 1, "Other": "x"}')
  const [ada, ben] = three()
  rule(['Bid'], seenBy(ada, ben))
  engines.set(ada, contract, 'Bid', '734512')
  engines.pass(5000)
  told = []
  engines.line = (message, _from, to) => {
    told.push({ message, to })
    return message
  }
})

describe('another’s commitment put forward', () => {
  /** Cyd names a commitment that it can't open as the value of a field, for itself alone, and asks for the request's values. */
  function spy(field: string): string | undefined {
    const [ada, , cyd] = three()
    const uid = uidOf(field)
    const value = committedTo('Bid')
    const operation: Operation = {
      op: 'set',
      uid,
      seen: committedTo(field),
      type: 'decimal',
      value,
      readers: [cyd.party],
    }
    const { id, request, signature } = signed(cyd, [operation])
    const judgement = [judged(cyd, id, [[uid, uid, '0'.repeat(64), true]])]
    for (const other of engines.members)
      if (other !== cyd)
        say(cyd, other, { type: 'REQUEST', request: { request, signature }, openings: [], judgement })
    engines.pass(5000)
    say(cyd, ada, { type: 'FETCH', requests: [id] })
    say(cyd, ada, { type: 'SYNC', fromHeight: 1, toHeight: 1000 })
    engines.pass(1000)
    return outcome(ada, id)
  }

  it('[VAL-4] shows it to nobody: in a field of one’s own', () => {
    const [, , cyd] = three()
    rule(['Own'], seenBy(cyd))
    expect(spy('Own')).toBeDefined()
    expect(toldTo(cyd, '734512')).toEqual([])
  })

  it('[VAL-4] nor in the very field, with other readers than the rules name', () => {
    const [, , cyd] = three()
    expect(spy('Bid')).toBe('conflicted')
    expect(toldTo(cyd, '734512')).toEqual([])
  })

  it('[JUD-1] nor is it judged for who can’t show it', () => {
    const [ada, ben, cyd] = three()
    const uid = uidOf('Bid')
    const value = committedTo('Bid')
    const readers = [ada.party, ben.party].sort()
    const { request, signature } = signed(cyd, [
      { op: 'set', uid, seen: value, type: 'decimal', value, readers },
    ])
    say(cyd, ada, { type: 'JUDGE', request: { request, signature }, openings: [] })
    engines.pass(1000)
    expect(told.filter(({ message, to }) => message.type === 'JUDGED' && to === cyd.party)).toEqual([])
  })
})

describe('a lying judge', () => {
  it('[JUD-1] that reveals what it does not open is asked again: nothing goes on with its word', () => {
    const [ada, ben, cyd] = three()
    engines.line = (message, from) => {
      if (message.type !== 'JUDGED' || from !== ben.party) return message
      const { items } = message.judged as JudgedBy
      return { ...message, judged: judged(ben, message.request as string, items, ['ab'.repeat(32)]) }
    }
    const id = engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    const { chain, judging } = ada.engine.replica(contract)
    expect(judging.waitingFor(id)?.parties).toEqual([ben.party])
    expect(chain.pool.has(id)).toBe(false)
    engines.boot(ada, false)
    for (const other of [ben, cyd]) engines.reconnect(ada, other)
    engines.line = (message) => message
    engines.pass(20_000)
    expect(outcome(ada, id)).toBe('accepted')
  })

  it('[JUD-1] that says now this and now that does not make others ask without end', () => {
    const [ada, ben] = three()
    let asked = 0
    engines.line = (message, from, to) => {
      if (message.type === 'JUDGE' && to === ben.party) asked += 1
      if (message.type !== 'JUDGED' || from !== ben.party) return message
      const items: JudgedItem[] =
        asked % 2 === 0 ? [] : [['ab'.repeat(16), 'cd'.repeat(16), '0'.repeat(64), true]]
      return { ...message, waits: true, judged: judged(ben, message.request as string, items) }
    }
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(60_000)
    expect(asked).toBeLessThan(150)
  })
})

describe('a lying reader of an aggregate', () => {
  it('[RUL-12] that names a result and does not show it is asked again', () => {
    const [ada, ben, cyd] = three()
    contract = engines.contract('{"Costs": [{"Cost": 1}, {"Cost": 1}], "Total": 1}')
    const below = (uid: string): string[] => childrenOf(stateOf(ada), uid)
    const items = below(uidOf('Costs'))
    const fields = items.map((item) => below(item)[0] as string)
    const set = (member: Member, uid: string, value: string | null): string => {
      const made = setOperations(stateOf(member), new Map(), uid, 'decimal', value, engines.random)
      const id = member.engine.submit(
        contract,
        made.operations,
        made.openings,
        engines.nowMs,
        () => undefined,
      )
      engines.pass(5000)
      return id
    }
    for (const uid of [...fields, uidOf('Total')]) set(ada, uid, null)
    rule(['Cost'], seenBy(ada, cyd), items[0])
    rule(['Cost'], seenBy(ben, cyd), items[1])
    const over = ['Costs', 'Cost']
    rule(['Total'], { kind: 'aggregate', function: 'sum', over, reader: cyd.party, atLeast: 2 })
    set(ada, fields[0] as string, '10')
    engines.line = (message, from) => {
      if (message.type !== 'JUDGED' || from !== cyd.party) return message
      const { items: said } = message.judged as JudgedBy
      return { ...message, openings: [], judged: judged(cyd, message.request as string, said) }
    }
    const id = set(ben, fields[1] as string, '32')
    expect(outcome(ben, id)).not.toBe('accepted')
    engines.line = (message) => message
    engines.pass(60_000)
    expect(outcome(ben, id)).toBe('accepted')
  })
})

describe('a silent judge', () => {
  it('[JUD-1] is not sent what waits for it with every ledger block', () => {
    const [ada, ben, cyd] = three()
    let asked = 0
    engines.line = (message, from, to) => {
      if (message.type === 'JUDGE' && to === ben.party) asked += 1
      return message.type === 'JUDGED' && from === ben.party ? undefined : message
    }
    const id = engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    const before = asked
    for (let times = 0; times < 20; times += 1) {
      const other = engines.set(cyd, contract, 'Other', `${times}`)
      engines.pass(1000)
      expect(outcome(cyd, other)).toBe('accepted')
    }
    expect(asked - before).toBeLessThan(8)
    engines.line = (message) => message
    engines.pass(40_000)
    expect(outcome(ada, id)).toBe('accepted')
  })
})

describe('a request that was let go of', () => {
  it('[REQ-5] is remembered as ordered once its block is committed', () => {
    const [ada, ben] = three()
    const { chain } = ben.engine.replica(contract)
    const id = engines.set(ada, contract, 'Other', 'y')
    let count = 0
    engines.line = (message) => {
      const stands = [...chain.executed.values()].some(({ block }) => requestIdsOf(block).includes(id))
      if (stands && chain.pool.has(id)) {
        chain.remove(id)
        count += 1
      }
      return message
    }
    engines.pass(5000)
    expect(outcome(ben, id)).toBe('accepted')
    expect(count).toBeGreaterThan(0)
    expect(chain.hasOrdered(id)).toBe(true)
  })
})
