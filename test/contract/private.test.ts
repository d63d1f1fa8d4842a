/** Private values between engines: who is sent what, who judges, what waits for whom. */
import { beforeEach, describe, expect, it } from 'vitest'
import { setOperations } from '../../src/contract/edit.ts'
import { childrenOf, element } from '../../src/contract/state.ts'
import type { Behaviour } from '../../src/ledger/behaviour.ts'
import type { Operation } from '../../src/ledger/request.ts'
import { checkIntegrity } from '../../src/node/integrity.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

let engines: Engines
let contract: string
/** Every message that went over a line. */
let told: { message: WireMessage; to: string }[]

const uidOf = (name: string): string => {
  const { state } = engines.member(0).engine.replica(contract).chain.tip
  return childrenOf(state, state.rootUid).find((uid) => element(state, uid)?.name === name) as string
}
const recordOf = (member: Member, name: string) =>
  element(member.engine.replica(contract).chain.tip.state, uidOf(name))
const held = (member: Member, name: string) => {
  const { value = '' } = recordOf(member, name) ?? {}
  return member.store.openings(contract, [value]).get(value)?.value
}
const outcome = (member: Member, id: string) => {
  const record = member.store.request(contract, id)
  return record && [record.outcome, record.code].filter((one) => one !== undefined).join(' ')
}

function run(member: Member, ...operations: Operation[]): string {
  const id = member.engine.submit(contract, operations, [], engines.nowMs, () => undefined)
  engines.pass(5000)
  expect(outcome(member, id)).toBe('accepted')
  return id
}

function setAt(member: Member, uid: string, value: string | null): void {
  const { state } = member.engine.replica(contract).chain.tip
  const made = setOperations(state, new Map(), uid, 'decimal', value, engines.random)
  const id = member.engine.submit(contract, made.operations, made.openings, engines.nowMs, () => undefined)
  engines.pass(5000)
  expect(outcome(member, id)).toBe('accepted')
}

/** Brings a rule into force. */
function rule(path: string[], behaviour: Behaviour, anchor?: string): void {
  const [first, ...others] = engines.members.filter((one) => one.engine.replicas.has(contract)) as [Member]
  const uid = Buffer.from(engines.random(16)).toString('hex')
  const at = anchor ?? first.engine.replica(contract).chain.tip.state.rootUid
  run(first, { op: 'draft', uid, action: { do: 'add', rule: { at, path, behaviour } } })
  for (const other of others as Member[]) run(other, { op: 'vote-on', uid, yes: true })
  run(first, { op: 'publish', drafts: [uid] })
}

const seenBy = (...members: Member[]): Behaviour => ({
  kind: 'access',
  actions: ['see'],
  grants: members.map(({ party }) => ({ party })),
})

beforeEach(() => {
  engines = new Engines(3)
  contract = engines.contract('{"Bid": 1, "Floor": 1, "Other": "x"}')
  told = []
  engines.line = (message, _from, to) => {
    told.push({ message, to })
    return message
  }
  rule(['Bid'], seenBy(engines.member(0), engines.member(1)))
})

describe('a private value', () => {
  it('[VAL-4] [JUD-1] is held by its readers, and by nobody else', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    const id = engines.set(ada, contract, 'Bid', '734512')
    engines.pass(5000)
    expect(engines.members.map((member) => outcome(member, id))).toEqual(['accepted', 'accepted', 'accepted'])
    expect(recordOf(cyd, 'Bid')?.readers).toEqual([ada.party, ben.party].sort())
    expect([held(ada, 'Bid'), held(ben, 'Bid'), held(cyd, 'Bid')]).toEqual(['734512', '734512', undefined])
    const toCyd = told.filter(({ to }) => to === cyd.party).map(({ message }) => JSON.stringify(message))
    expect(toCyd.filter((text) => text.includes('734512'))).toEqual([])
    expect(engines.finalSizes(contract)).toEqual(Array(3).fill(engines.finalSizes(contract)[0]))
  })

  it('[JUD-1] waits for the reader that is away, and says whom for', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    engines.disconnect(ada, ben)
    engines.disconnect(ben, cyd)
    const id = engines.set(ada, contract, 'Bid', '12')
    engines.pass(60_000)
    expect(outcome(ada, id)).toBe('')
    const { judging } = ada.engine.replica(contract)
    expect(judging.waitingFor(id)?.parties).toEqual([ben.party])
    // What is not private goes on.
    const other = engines.set(ada, contract, 'Other', 'y')
    engines.pass(5000)
    expect(outcome(ada, other)).toBe('accepted')
    engines.reconnect(ada, ben)
    engines.reconnect(ben, cyd)
    engines.pass(20_000)
    expect(outcome(ada, id)).toBe('accepted')
    expect(judging.waitingFor(id)).toBeUndefined()
  })

  it('[JUD-1] is judged anew after its author’s node was started anew', () => {
    const [ada, ben] = engines.members as [Member, Member]
    engines.disconnect(ada, ben)
    const id = engines.set(ada, contract, 'Bid', '12')
    engines.pass(3000)
    engines.boot(ada, false)
    for (const other of engines.members) if (other !== ada) engines.reconnect(ada, other)
    engines.pass(20_000)
    expect(outcome(ada, id)).toBe('accepted')
    expect(held(ben, 'Bid')).toBe('12')
  })

  it('[JUD-2] a request told without its judgement is not taken', () => {
    const [ada, , cyd] = engines.members as [Member, Member, Member]
    engines.line = (message) => {
      if (message.type !== 'REQUEST') return message
      const { judgement: _, ...rest } = message
      return rest as WireMessage
    }
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(3000)
    expect(cyd.logs.filter(({ detail }) => detail.code === 'not-judged').length).toBeGreaterThan(0)
  })
})

describe('rules that read private values', () => {
  it('[JUD-2] are judged by who sees them, whoever makes the request', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    rule([], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    const good = engines.set(cyd, contract, 'Floor', '11')
    engines.pass(5000)
    expect(outcome(cyd, good)).toBe('accepted')
    const bad = engines.set(cyd, contract, 'Floor', '13')
    engines.pass(5000)
    expect([outcome(cyd, bad), outcome(ben, bad)]).toEqual([
      'rejected constraint-broken',
      'rejected constraint-broken',
    ])
    expect(engines.members.map(({ engine }) => engine.replica(contract).haltReason)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('[JUD-3] two at once: what was judged before the other is judged anew or conflicted, never wrong', () => {
    const [ada, , cyd] = engines.members as [Member, Member, Member]
    rule([], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    const lower = engines.set(ada, contract, 'Bid', '5')
    const higher = engines.set(cyd, contract, 'Floor', '10')
    engines.pass(20_000)
    const came = [outcome(ada, lower), outcome(ada, higher)]
    expect(came.filter((one) => one === 'accepted')).toHaveLength(1)
    expect(came.every((one) => one !== '' && one !== undefined)).toBe(true)
  })

  it('[RUL-12] an aggregate’s result is opened to all, also to who was away', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    contract = engines.contract('{"Costs": [{"Cost": 1}, {"Cost": 1}], "Total": 1}')
    const below = (uid: string): string[] => childrenOf(ada.engine.replica(contract).chain.tip.state, uid)
    const items = below(uidOf('Costs'))
    const fields = items.map((item) => below(item)[0] as string)
    // What is there already was everybody's: it goes before it is private.
    for (const uid of [...fields, uidOf('Total')]) setAt(ada, uid, null)
    rule(['Cost'], seenBy(ada, cyd), items[0])
    rule(['Cost'], seenBy(ben, cyd), items[1])
    const over = ['Costs', 'Cost']
    rule(['Total'], { kind: 'aggregate', function: 'sum', over, reader: cyd.party, atLeast: 2 })
    setAt(ada, fields[0] as string, '10')
    expect(recordOf(ben, 'Total')?.value).toBeUndefined()
    engines.disconnect(ada, ben)
    engines.disconnect(ada, cyd)
    setAt(ben, fields[1] as string, '32')
    expect([held(ben, 'Total'), held(cyd, 'Total')]).toEqual(['42', '42'])
    engines.reconnect(ada, ben)
    engines.reconnect(ada, cyd)
    engines.pass(10_000)
    expect(held(ada, 'Total')).toBe('42')
    const { value = '' } = element(ada.engine.replica(contract).chain.tip.state, fields[1] as string) ?? {}
    expect(ada.store.openings(contract, [value]).size).toBe(0)
  })

  it('[EPO-13] who lost its disk gets its private values again, and no others', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    ben.store.close()
    ben.store = openSqliteStore(':memory:')
    engines.boot(ben, false)
    for (const other of [ada, cyd]) engines.reconnect(ben, other)
    ben.engine.recovery.isRunning = true
    engines.pass(1000)
    for (const other of [ada, cyd]) engines.reconnect(ben, other)
    engines.pass(60_000)
    expect(ben.engine.replica(contract).chain.height).toBe(ada.engine.replica(contract).chain.height)
    expect([held(ben, 'Bid'), held(cyd, 'Bid')]).toEqual(['12', undefined])
  })

  it('[RUL-4] whom a rule lets see it from then on gets what is there now', () => {
    const [ada, , cyd] = engines.members as [Member, Member, Member]
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    expect(held(cyd, 'Bid')).toBeUndefined()
    const { state } = ada.engine.replica(contract).chain.tip
    const [[before] = ['']] = [...state.governance.law.rules]
    const uid = 'ab'.repeat(16)
    const by = { at: state.rootUid, path: ['Bid'], behaviour: seenBy(ada, engines.member(1), cyd) }
    run(ada, { op: 'draft', uid, action: { do: 'replace', rule: before, by } })
    for (const other of engines.members.slice(1)) run(other, { op: 'vote-on', uid, yes: true })
    run(ada, { op: 'publish', drafts: [uid] })
    engines.pass(10_000)
    expect(held(cyd, 'Bid')).toBe('12')
    // It judges nothing of what was set before.
    expect(recordOf(cyd, 'Bid')?.readers).not.toContain(cyd.party)
  })
})

describe('a node’s own check', () => {
  it('[VAL-2] [VAL-4] finds a private value that was altered on its disk', () => {
    const [ada, ben, cyd] = engines.members as [Member, Member, Member]
    engines.set(ada, contract, 'Bid', '12')
    engines.pass(5000)
    for (const member of [ada, ben, cyd])
      expect(checkIntegrity(member.store, contract, member.party).finding).toBeUndefined()
    const { value = '' } = recordOf(ben, 'Bid') ?? {}
    const { openings } = ben.store
    ben.store.openings = (of, wanted) => {
      const found = openings.call(ben.store, of, wanted)
      const held = found.get(value)
      return held ? new Map([...found, [value, { ...held, value: '13' }]]) : found
    }
    expect(checkIntegrity(ben.store, contract, ben.party)).toMatchObject({
      ok: false,
      finding: { rule: 'VAL-2' },
    })
  })
})
