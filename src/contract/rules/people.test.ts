/** Who may do what: access, ownership, approvals, transfer, locks. */
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import { element } from '../state.ts'
import { proposalUid } from './proposals.ts'

const accepted = { outcome: 'accepted' }
const names = ['Acme', 'Beta', 'Cove'] as const

describe('access', () => {
  it('[RUL-4] several rules narrow one another, whichever is looked at first', () => {
    const one = new Agreement([...names], '{"Premium": {"Rate": 1, "Tax": 2}}')
    one.rule('Acme', ['Premium'], {
      kind: 'access',
      actions: ['propose'],
      grants: [{ party: one.party('Acme') }, { party: one.party('Beta') }],
    })
    one.rule('Beta', ['Premium', 'Rate'], {
      kind: 'access',
      actions: ['propose'],
      grants: [{ party: one.party('Beta') }, { party: one.party('Cove') }],
    })
    expect(one.set('Acme', '/Premium/Rate', '2')).toMatchObject({ code: 'access-denied' })
    expect(one.set('Cove', '/Premium/Rate', '2')).toMatchObject({ code: 'access-denied' })
    expect(one.set('Beta', '/Premium/Rate', '2')).toEqual(accepted)
    expect(one.set('Acme', '/Premium/Tax', '3')).toEqual(accepted)
  })

  it('[RUL-4] a grant ends at its time, by the block’s clock, and at its phase', () => {
    const one = new Agreement(
      [...names],
      '{"Note": "x"}',
      [{ path: [], behaviour: { kind: 'phases', names: ['open', 'closed'] } }],
      { phase: 'open' },
    )
    one.rule('Acme', ['Note'], {
      kind: 'access',
      actions: ['propose'],
      grants: [
        { party: one.party('Acme') },
        { party: one.party('Beta'), untilMs: one.timeMs + 10 * 60_000 },
        { party: one.party('Cove'), untilPhase: 'closed' },
      ],
    })
    expect(one.set('Beta', '/Note', 'b')).toEqual(accepted)
    one.wait(11)
    expect(one.set('Beta', '/Note', 'c')).toMatchObject({ code: 'access-denied' })
    expect(one.set('Cove', '/Note', 'd')).toEqual(accepted)
    expect(one.run('Acme', { op: 'phase', from: 'open', to: 'closed' })).toEqual(accepted)
    expect(one.set('Cove', '/Note', 'e')).toMatchObject({ code: 'access-denied' })
    expect(one.set('Acme', '/Note', 'f')).toEqual(accepted)
  })

  it('[RUL-4] adding and removing, in a block and everything below it', () => {
    const one = new Agreement([...names], '{"Lines": [{"Share": 1}]}')
    one.rule('Acme', ['Lines'], {
      kind: 'access',
      actions: ['add', 'remove'],
      grants: [{ party: one.party('Acme') }],
    })
    expect(one.add('Beta', '/Lines', '{"Share": 2}')).toMatchObject({ code: 'access-denied' })
    expect(one.delete('Beta', '/Lines[1]')).toMatchObject({ code: 'access-denied' })
    expect(one.add('Beta', '/Lines[1]', '3', 'More')).toMatchObject({ code: 'access-denied' })
    expect(one.add('Beta', '/', '3', 'Elsewhere')).toEqual(accepted)
    expect(one.set('Beta', '/Lines[1]/Share', '4')).toEqual(accepted)
    expect(one.add('Acme', '/Lines', '{"Share": 2}')).toEqual(accepted)
    expect(one.delete('Acme', '/Lines[1]')).toEqual(accepted)
  })

  it('[RUL-4] who owns a sub-tree adds and removes there alone, whatever else is locked', () => {
    const one = new Agreement([...names], '{"Mine": {"A": 1}, "B": 2}')
    one.rule('Acme', ['Mine'], { kind: 'ownership', owner: one.party('Beta') })
    expect(one.add('Acme', '/Mine', '1', 'New')).toMatchObject({ code: 'not-owner' })
    expect(one.delete('Acme', '/Mine/A')).toMatchObject({ code: 'not-owner' })
    const uid = one.uid()
    expect(one.run('Acme', { op: 'lock', uid, on: one.state.rootUid, leaseMs: 60_000 })).toEqual(accepted)
    expect(one.set('Beta', '/B', '3')).toMatchObject({ code: 'locked', rule: uid })
    expect(one.add('Beta', '/Mine', '1', 'New')).toEqual(accepted)
  })
})

describe('approval', () => {
  const asking = { kind: 'approval', count: 2 } as const

  it('[RUL-5] a value stands proposed until the yeses are there', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    const rule = one.rule('Acme', ['Rate'], asking)
    expect(one.set('Beta', '/Rate', '2.5')).toEqual(accepted)
    expect(one.value('/Rate')).toBe('1.5')
    const [proposal] = one.state.governance.proposals.get(one.at('/Rate')) ?? []
    expect(one.set('Cove', '/Rate', '3.5')).toEqual({
      outcome: 'conflicted',
      code: 'proposal-open',
      rule,
      element: one.at('/Rate'),
    })
    expect(one.vote('Acme', proposal as string, false)).toEqual(accepted)
    expect(one.value('/Rate')).toBe('1.5')
    expect(one.vote('Cove', proposal as string)).toEqual(accepted)
    expect(one.value('/Rate')).toBe('2.5')
    expect(one.state.governance.proposalCount).toBe(0)
    expect(one.vote('Acme', proposal as string)).toMatchObject({ code: 'gone' })
  })

  it('[RUL-5] of several the first with all yeses is agreed, and a later agreement supersedes it', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    one.rule('Acme', ['Rate'], { ...asking, several: true })
    expect(one.set('Beta', '/Rate', '2.5')).toEqual(accepted)
    expect(one.set('Cove', '/Rate', '3.5')).toEqual(accepted)
    const proposals = one.state.governance.proposals.get(one.at('/Rate')) ?? []
    const by = (name: string) =>
      proposals.find(
        (uid) => (one.state.map.get(uid) as { by: string } | undefined)?.by === one.party(name),
      ) as string
    expect(one.vote('Acme', by('Cove'))).toEqual(accepted)
    expect(one.value('/Rate')).toBe('3.5')
    expect(one.vote('Acme', by('Beta'))).toEqual(accepted)
    expect(one.value('/Rate')).toBe('2.5')
  })

  it('[RUL-5] only named parties are asked; one’s own proposal is superseded, or withdrawn by nobody else', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    const rule = one.rule('Acme', ['Rate'], { kind: 'approval', count: 1, parties: [one.party('Acme')] })
    expect(one.set('Beta', '/Rate', '2.5')).toEqual(accepted)
    expect(one.set('Beta', '/Rate', '2.6')).toEqual(accepted)
    const [proposal, ...others] = one.state.governance.proposals.get(one.at('/Rate')) ?? []
    expect(others).toEqual([])
    expect(one.vote('Cove', proposal as string)).toMatchObject({
      code: 'not-asked',
      rule,
      element: one.at('/Rate'),
    })
    expect(one.run('Cove', { op: 'withdraw', uid: proposal as string })).toMatchObject({ code: 'not-yours' })
    expect(one.vote('Acme', proposal as string)).toEqual(accepted)
    expect(one.value('/Rate')).toBe('2.6')
    expect(one.set('Acme', '/Rate', '9.9')).toEqual(accepted)
    expect(one.value('/Rate')).toBe('9.9')
  })

  it('[RUL-5] a stale version is conflicted, and what breaks a rule is not agreed', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    const stale = one.setting('/Rate', '7.5')
    expect(one.set('Acme', '/Rate', '1.6')).toEqual(accepted)
    one.rule('Acme', ['Rate'], asking)
    const limit = one.rule('Acme', [], { kind: 'constraint', expression: 'Rate <= 5', message: 'at most 5' })
    expect(one.run('Beta', stale)).toMatchObject({ code: 'stale-version' })
    expect(one.set('Beta', '/Rate', '6')).toEqual(accepted)
    const [proposal] = one.state.governance.proposals.get(one.at('/Rate')) ?? []
    expect(one.vote('Acme', proposal as string)).toMatchObject({ code: 'constraint-broken', rule: limit })
    expect(one.value('/Rate')).toBe('1.6')
  })
})

describe('transfer', () => {
  it('[RUL-4] passes on once: the present holder, and nobody else', () => {
    const one = new Agreement([...names], '{"Holder": "x"}')
    const at = (name: string) => one.party(name)
    expect(one.set('Acme', '/Holder', at('Acme'), 'party')).toEqual(accepted)
    const rule = one.rule('Acme', ['Holder'], { kind: 'transfer' })
    const toBeta = one.setting('/Holder', at('Beta'))
    const toCove = one.setting('/Holder', at('Cove'))
    expect(one.run('Beta', toBeta)).toMatchObject({ code: 'not-holder', rule })
    expect(one.run('Acme', toBeta)).toEqual(accepted)
    expect(one.run('Acme', toCove)).toMatchObject({ code: 'stale-version' })
    expect(one.set('Acme', '/Holder', at('Cove'))).toMatchObject({ code: 'not-holder' })
    expect(one.set('Beta', '/Holder', at('Cove'))).toEqual(accepted)
  })
})

describe('locks', () => {
  it('[RUL-9] one at a time, until it is given back or runs out by the block’s clock', () => {
    const one = new Agreement([...names], '{"A": {"X": 1}, "B": 2}')
    const [uid, other] = [one.uid(), one.uid()]
    expect(one.run('Acme', { op: 'lock', uid, on: one.at('/A'), leaseMs: 60_000 })).toEqual(accepted)
    expect(one.set('Beta', '/A/X', '2')).toMatchObject({ outcome: 'conflicted', code: 'locked', rule: uid })
    expect(one.set('Beta', '/B', '3')).toEqual(accepted)
    expect(one.delete('Beta', '/A')).toMatchObject({ code: 'locked' })
    expect(one.run('Beta', { op: 'lock', uid: other, on: one.state.rootUid, leaseMs: 60_000 })).toMatchObject(
      { code: 'locked' },
    )
    expect(one.set('Acme', '/A/X', '2')).toEqual(accepted)
    one.wait(2)
    expect(one.run('Beta', { op: 'lock', uid: other, on: one.at('/A'), leaseMs: 60_000 })).toEqual(accepted)
    expect(one.set('Acme', '/A/X', '3')).toMatchObject({ code: 'locked', rule: other })
    // The batch that thinks that it still holds it renews it first, and the whole of it fails.
    expect(one.run('Acme', { op: 'lock', uid, on: one.at('/A'), leaseMs: 60_000 })).toMatchObject({
      code: 'locked',
    })
    expect(one.run('Beta', { op: 'unlock', uid: other })).toEqual(accepted)
    expect(one.set('Acme', '/A/X', '3')).toEqual(accepted)
  })

  it('[RUL-9] renewed by its UID, and lost once it has run out', () => {
    const one = new Agreement([...names], '{"A": {"X": 1}}')
    const uid = one.uid()
    const take = { op: 'lock', uid, on: one.at('/A'), leaseMs: 60_000 } as const
    expect(one.run('Acme', take)).toEqual(accepted)
    one.wait(0.9)
    expect(one.run('Acme', take)).toEqual(accepted)
    one.wait(0.9)
    expect(one.set('Beta', '/A/X', '2')).toMatchObject({ code: 'locked' })
    one.wait(0.2)
    expect(one.run('Acme', take)).toMatchObject({ code: 'lock-lost' })
    expect(one.set('Beta', '/A/X', '2')).toEqual(accepted)
  })
})

describe('settling', () => {
  it('[RUL-10] is everyone’s confirmation of one record hash with nothing pending; any change undoes it', () => {
    const one = new Agreement([...names], '{"A": 1}')
    const record = one.state.map.root()
    expect(one.run('Acme', { op: 'settle', record })).toEqual(accepted)
    expect(one.run('Beta', { op: 'settle', record: 'f'.repeat(64) })).toMatchObject({ code: 'stale-place' })
    expect(one.run('Beta', { op: 'settle', record })).toEqual(accepted)
    expect(one.run('Cove', { op: 'settle', record })).toEqual(accepted)
    expect(one.state.governance.settlement?.yes).toHaveLength(3)
    expect(one.set('Acme', '/A', '2')).toEqual(accepted)
    expect(one.state.governance.settlement).toBeUndefined()
    const { uid } = one.draft('Acme', ['A'], { kind: 'required' })
    expect(one.run('Acme', { op: 'settle', record: one.state.map.root() })).toMatchObject({
      code: 'pending',
      rule: uid,
    })
  })
})

describe('places', () => {
  it('[RUL-2] what rules go by keeps its name and place', () => {
    const one = new Agreement([...names], '{"A": {"X": 1}, "B": {}, "C": 3}')
    one.rule('Acme', ['A', 'X'], { kind: 'limits', max: '5' })
    const [a, b, x, c] = [one.at('/A'), one.at('/B'), one.at('/A/X'), one.at('/C')]
    const root = one.state.rootUid
    expect(one.run('Acme', { op: 'rename', uid: x, from: 'X', name: 'Y' })).toMatchObject({
      code: 'rule-refers',
    })
    expect(one.run('Acme', { op: 'rename', uid: a, from: 'A', name: 'Y' })).toMatchObject({
      code: 'rule-refers',
    })
    expect(one.run('Acme', { op: 'move', uid: x, from: a, parent: b, order: 'a0' })).toMatchObject({
      code: 'rule-refers',
    })
    expect(one.run('Acme', { op: 'rename', uid: c, from: 'C', name: 'D' })).toEqual(accepted)
    expect(one.run('Acme', { op: 'rename', uid: c, from: 'C', name: 'E' })).toMatchObject({
      code: 'stale-place',
    })
    expect(one.run('Acme', { op: 'move', uid: c, from: root, parent: b, order: 'a0' })).toEqual(accepted)
    expect(one.at('/B/D')).toBe(c)
    expect(one.run('Acme', { op: 'move', uid: b, from: root, parent: b, order: 'a0' })).toMatchObject({
      code: 'not-a-block',
    })
    expect(
      one.run('Acme', { op: 'describe', uid: c, label: 'Deductible', help: 'What the insured bears' }),
    ).toEqual(accepted)
    expect(element(one.state, c)).toMatchObject({ label: 'Deductible', help: 'What the insured bears' })
    expect(one.run('Acme', { op: 'describe', uid: c })).toEqual(accepted)
    expect(element(one.state, c)).not.toHaveProperty('label')
  })

  it('[RUL-2] what a rule reads keeps its type', () => {
    const one = new Agreement([...names], '{"A": 1, "L": [{"S": 1}], "T": 0}')
    one.rule('Acme', ['T'], { kind: 'assignment', expression: 'A + sum(L.S)' })
    expect(one.set('Beta', '/A', 'word', 'text')).toMatchObject({ code: 'type-fixed' })
    expect(one.add('Beta', '/L', '{"S": "word"}')).toMatchObject({ code: 'type-fixed' })
    expect(one.add('Beta', '/', '5', 'A')).toMatchObject({ code: 'type-fixed' })
    expect(one.set('Beta', '/A', '2')).toMatchObject(accepted)
    expect(one.last?.entries[0]).toHaveProperty('results.length', 1)
    expect(one.value('/T')).toBe('3')
    expect(one.set('Beta', '/A', undefined)).toMatchObject(accepted)
    expect(one.value('/T')).toBeUndefined()
  })
})

describe('what stands where one was to be', () => {
  it('[RUL-2] nothing is moved or added to where a rule reads a single one', () => {
    const one = new Agreement([...names], '{"L": [{"Who": "a", "S": 1}, {"Who": "b", "S": 2}], "T": 0}')
    one.rule('Acme', ['T'], { kind: 'assignment', expression: 'sum(L.S)' })
    const [from, to] = [one.at('/L[1]'), one.at('/L[2]')]
    const uid = one.at('/L[1]/S')
    expect(one.run('Beta', { op: 'move', uid, from, parent: to, order: 'a0' })).toMatchObject({
      code: 'rule-refers',
    })
    const who = one.at('/L[1]/Who')
    expect(one.run('Beta', { op: 'move', uid: who, from, parent: to, order: 'a0' })).toEqual(accepted)
    expect(
      one.run('Beta', {
        op: 'move',
        uid: one.at('/L[1]'),
        from: one.at('/L'),
        parent: one.state.rootUid,
        order: 'a0',
      }),
    ).toMatchObject({
      code: 'rule-refers',
    })
  })
})

describe('what no value could be held against', () => {
  it('[RUL-2] a type or limit whose pattern or bounds are none is refused when it is written', () => {
    const one = new Agreement([...names], '{"A": 1.5, "Name": "x"}')
    const define = (type: { pattern?: string; min?: string }) =>
      one.run('Acme', { op: 'define', uid: one.uid(), type: { name: 'T', base: 'decimal', ...type } })
    expect(define({ pattern: '(' })).toMatchObject({ code: 'bad-rule' })
    expect(define({ min: 'abc' })).toMatchObject({ code: 'bad-rule' })
    expect(define({ min: '0', pattern: '[0-9.]+' })).toEqual(accepted)
    expect(one.draft('Acme', ['Name'], { kind: 'limits', pattern: '[a' }).came).toMatchObject({
      code: 'bad-rule',
    })
    expect(one.draft('Acme', ['A'], { kind: 'limits', max: 'abc' }).came).toMatchObject({ code: 'bad-rule' })
  })

  it('[RUL-5] what could never be agreed to is not proposed', () => {
    const one = new Agreement([...names], '{"A": 1.5}')
    one.rule('Acme', ['A'], { kind: 'approval', count: 2 })
    const limit = one.rule('Acme', ['A'], { kind: 'limits', max: '5' })
    expect(one.set('Beta', '/A', '6')).toMatchObject({ code: 'limits-broken', rule: limit })
    expect(one.state.governance.proposalCount).toBe(0)
  })
})

describe('UIDs that are kept', () => {
  it('[ELE-1] [STA-3] nothing is created where a contract’s own records, or a proposal to come, will stand', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    const { workflowUid, settlementUid, rootUid } = one.state
    for (const uid of [workflowUid, settlementUid]) {
      const create = { op: 'create', uid, parent: rootUid, name: 'x', kind: 'block', order: 'a0' } as const
      expect(one.run('Acme', create)).toMatchObject({ code: 'uid-in-use' })
      expect(one.run('Acme', { op: 'lock', uid, on: rootUid, leaseMs: 1000 })).toMatchObject({
        code: 'lock-lost',
      })
      expect(one.run('Acme', { op: 'define', uid, type: { name: 'T', base: 'text' } })).toMatchObject({
        code: 'uid-in-use',
      })
    }
    one.rule('Acme', ['Rate'], { kind: 'approval', count: 2 })
    const set = one.setting('/Rate', '2')
    const [request] = one.requestOf('Beta', set)
    const uid = proposalUid(request.id, 0)
    expect(
      one.run('Acme', { op: 'create', uid, parent: rootUid, name: 'x', kind: 'block', order: 'a0' }),
    ).toEqual(accepted)
    expect(one.send(request)).toMatchObject({ code: 'already-drafted' })
    expect(element(one.state, uid)?.kind).toBe('block')
  })
})
