import { describe, expect, it } from 'vitest'
import {
  certificate,
  GENESIS,
  type Known,
  Machine,
  makeBlock,
  PARTIES,
  signed,
  TIMING,
  textOf,
} from '../../test/support/ordering.ts'
import { doubt, leaderOf, noteLocks, wantedView } from './state.ts'

const first = makeBlock(GENESIS, 1)
const other = makeBlock(GENESIS, 1, 7)
const party = (member: number): string => PARTIES[member] as string

/** Ends a view for a machine without what a block would bring. */
function skipTo(machine: Machine, view: number): Machine {
  for (let before = machine.state.view; before < view; before += 1)
    machine.certify(certificate('skip', before, [1, 2, 3].slice(0, machine.electorate.quorum)))
  return machine
}

describe('leaders and quorums', () => {
  it('[ORD-1] the leader of view v is member v mod n', () => {
    const { config } = new Machine({ members: 4 }).state
    expect([1, 2, 3, 4, 5, 8].map((view) => leaderOf(config, view))).toEqual(
      [1, 2, 3, 0, 1, 0].map((member) => party(member)),
    )
  })

  it.each([
    ['majority', 1, 1],
    ['majority', 2, 2],
    ['majority', 3, 2],
    ['majority', 4, 3],
    ['majority', 5, 3],
    ['bft', 4, 3],
    ['bft', 7, 5],
    ['unanimous', 4, 4],
  ] as const)(
    '[ORD-1] with policy %s, %i members make a certificate of %i signatures',
    (quorum, members, needed) => {
      const machine = new Machine({ members, quorum, self: 0 })
      machine.signs = false
      for (let member = 0; member < needed - 1; member += 1) machine.statement(member, 'SKIP', 1)
      expect(machine.state.view).toBe(1)
      machine.statement(needed - 1, 'SKIP', 1)
      expect(machine.state.view).toBe(2)
      expect(machine.of('STORE_CERTIFICATE')[0]?.certificate.signatures).toHaveLength(needed)
    },
  )

  it('[ORD-1] a certificate with too few, bad or repeated signatures is none', () => {
    const machine = new Machine()
    machine.certify(certificate('skip', 1, [1, 2]))
    const repeated = certificate('skip', 1, [1, 2, 2])
    machine.certify(repeated)
    const forged = certificate('skip', 1, [1, 2, 3])
    forged.signatures[2] = [party(3), (forged.signatures[1] as (typeof forged.signatures)[number])[1]]
    machine.certify(forged)
    const stranger = certificate('skip', 1, [1, 2, 5])
    machine.certify(stranger)
    expect(machine.state.view).toBe(1)
    machine.certify(certificate('skip', 1, [1, 2, 3]))
    expect(machine.state.view).toBe(2)
  })
})

describe('views', () => {
  it('[ORD-2] are entered by the certificate of the view before, or of a later one, and no other way', () => {
    const machine = new Machine()
    machine.work().later(60_000)
    expect(machine.state.view).toBe(1)
    machine.certify(certificate('skip', 1, [1, 2, 3]))
    expect(machine.state.view).toBe(2)
    machine.certify(certificate('notarization', 6, [1, 2, 3], makeBlock(GENESIS, 6)))
    expect(machine.state.view).toBe(7)
    machine.certify(certificate('finalization', 9, [1, 2, 3], makeBlock(GENESIS, 9)))
    machine.certify(certificate('skip', 4, [1, 2, 3]))
    expect(machine.state.view).toBe(7)
  })

  it('[ORD-2] nothing is signed in a view that was not entered', () => {
    const machine = new Machine().work()
    const ahead = makeBlock(GENESIS, 3)
    machine.propose(ahead, { skips: [certificate('skip', 1, [1, 2, 3])] })
    machine.later(60_000)
    expect(machine.signedTexts).toEqual(['SKIP 2'])
  })

  it('[ORD-2] FINALIZE v is signed on entering v + 1, once the block has been executed', () => {
    const machine = new Machine()
    machine.unanswered.add(first.hash)
    machine.propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(machine.signedTexts).toEqual([])
    machine.take({ type: 'CHECKED', hash: first.hash, valid: true, timely: true } as never)
    expect(machine.signedTexts).toEqual([textOf('FINALIZE', 1, first)])
  })

  it('[ORD-2] FINALIZE v is not signed any more after a signature in v + 1', () => {
    const machine = new Machine({ down: [2] }).work()
    machine.unanswered.add(first.hash)
    machine.propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.later(TIMING.viewMs)
    expect(machine.signedTexts).toEqual(['SKIP 2'])
    machine.take({ type: 'CHECKED', hash: first.hash, valid: true, timely: true } as never)
    expect(machine.signedTexts).toEqual(['SKIP 2'])
  })

  it('[ORD-4] no FINALIZE after SKIP of one view', () => {
    const machine = new Machine().work().later(TIMING.viewMs)
    machine.propose(first)
    expect(machine.signedTexts).toEqual(['SKIP 1', textOf('VOTE', 1, first)])
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(machine.signedTexts).toHaveLength(2)
  })

  it('[ORD-4] no SKIP after FINALIZE of one view, however late', () => {
    const machine = new Machine().work().propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.clear()
    machine.later(60_000)
    expect(machine.signedTexts).toEqual(['SKIP 2'])
  })

  it('[ORD-4] VOTE then SKIP is allowed', () => {
    const machine = new Machine().work().propose(first).later(TIMING.viewMs)
    expect(machine.signedTexts).toEqual([textOf('VOTE', 1, first), 'SKIP 1'])
  })
})

describe('voting', () => {
  it('[ORD-3] [ORD-4] is once a view, for the leader’s block, when it is valid here', () => {
    const machine = new Machine()
    machine.propose(first)
    machine.propose(first)
    expect(machine.signedTexts).toEqual([textOf('VOTE', 1, first)])
    machine.propose(other)
    expect(machine.signedTexts).toHaveLength(1)
  })

  it('[ORD-4] is not for a block that executes to something else; its view is skipped at once', () => {
    const machine = new Machine().work()
    machine.invalid.add(first.hash)
    machine.propose(first)
    expect(machine.signedTexts).toEqual(['SKIP 1'])
  })

  it('[ORD-8] is not for a block whose time is off; what was committed is taken whatever the clock', () => {
    const machine = new Machine().work()
    machine.untimely.add(first.hash)
    machine.propose(first)
    expect(machine.signedTexts).toEqual(['SKIP 1'])
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    expect(machine.of('COMMIT')[0]?.hashes).toEqual([first.hash])
  })

  it('[ORD-3] is not for a block of another than the leader', () => {
    const machine = new Machine()
    machine.propose(first, { by: 2 })
    expect(machine.state.blocks.has(first.hash)).toBe(false)
    machine.propose(first)
    expect(machine.signedTexts).toHaveLength(1)
  })

  it('[ORD-3] needs the notarization of the parent’s view', () => {
    const second = makeBlock(first, 2)
    const machine = new Machine().propose(first)
    machine.certify(certificate('skip', 1, [1, 2, 3]))
    machine.clear()
    machine.propose(second)
    expect(machine.signedTexts).toEqual([])
    machine.propose(second, { notarization: certificate('notarization', 1, [1, 2, 3], first) })
    expect(machine.signedTexts).toContain(textOf('VOTE', 2, second))
  })

  it('[ORD-3] needs a skip certificate for every view between', () => {
    const fourth = makeBlock(GENESIS, 4)
    const skips = [1, 2, 3].map((view) => certificate('skip', view, [1, 2, 3]))
    const machine = new Machine({ self: 1 })
    machine.propose(fourth, { skips: [skips[0], skips[2]] as typeof skips })
    expect(machine.state.view).toBe(4)
    expect(machine.signedTexts).toEqual([])
    machine.propose(fourth, { skips })
    expect(machine.signedTexts).toEqual([textOf('VOTE', 4, fourth)])
  })

  it('[ORD-3] a proposal that shows a certificate that does not verify is not taken', () => {
    const third = makeBlock(GENESIS, 3)
    const machine = new Machine()
    machine.propose(third, { skips: [certificate('skip', 1, [1, 2, 3]), certificate('skip', 2, [1, 2])] })
    expect(machine.state.blocks.has(third.hash)).toBe(false)
    expect(machine.state.view).toBe(2)
  })

  it('[ORD-4] a block on another branch than the committed tip is refused, not waited for', () => {
    const machine = new Machine().propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    machine.clear()
    const astray = makeBlock(other, 2)
    machine.propose(astray, { notarization: certificate('notarization', 1, [1, 2, 3], other) })
    expect(machine.state.blocks.get(astray.hash)?.status).toBe('invalid')
    expect(machine.of('FETCH_BLOCK')).toEqual([])
    expect(machine.signedTexts).toEqual(['SKIP 2'])
  })
})

describe('what is signed rests on what is on disk', () => {
  const orderOf = (machine: Machine): string[] =>
    machine.effects.flatMap((effect) =>
      effect.type === 'SIGN'
        ? [effect.statement.type]
        : effect.type.startsWith('STORE') || effect.type === 'COMMIT'
          ? [effect.type]
          : [],
    )

  it('[ORD-5] block before VOTE, certificate before FINALIZE', () => {
    const machine = new Machine().propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(orderOf(machine)).toEqual(['STORE_BLOCK', 'VOTE', 'STORE_CERTIFICATE', 'FINALIZE'])
  })

  it('[ORD-5] a leader’s own block before its VOTE, which is what makes it its own', () => {
    const machine = new Machine({ self: 1 }).work()
    expect(orderOf(machine)).toEqual(['STORE_BLOCK', 'VOTE'])
    expect(machine.of('SEND').map(({ message }) => message.type)).toEqual(['PROPOSE'])
  })

  it('[ORD-5] after a restart a VOTE leaves again only with its block, and no other is signed in its view', () => {
    const { statement } = signed(0, 'VOTE', 1, first)
    const locks = { view: 1, statements: [statement] }
    const machine = new Machine({ restart: { locks } })
    machine.propose(other)
    expect(machine.signedTexts).toEqual([])
    const again = new Machine({ restart: { locks } })
    again.untimely.add(first.hash)
    again.propose(first)
    expect(again.signedTexts).toEqual([textOf('VOTE', 1, first)])
    const held = new Machine({ restart: { locks, blocks: [first] } })
    expect(held.state.views.get(1)?.votes.has(party(0))).toBe(true)
  })

  it('[ORD-5] after a restart a FINALIZE leaves again only with its notarization, and its view is not skipped', () => {
    const { statement } = signed(0, 'FINALIZE', 1, first)
    const locks = { view: 1, statements: [statement] }
    const machine = new Machine({ restart: { locks, blocks: [first] } }).work().later(60_000)
    expect(machine.signedTexts).toEqual([])
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(machine.signedTexts[0]).toBe(textOf('FINALIZE', 1, first))
  })

  it('[ORD-4] after a restart no FINALIZE follows the SKIP of before', () => {
    const { statement } = signed(0, 'SKIP', 1)
    const machine = new Machine({ restart: { locks: { view: 1, statements: [statement] }, blocks: [first] } })
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(machine.state.blocks.get(first.hash)?.status).toBe('valid')
    expect(machine.signedTexts).toEqual([])
  })

  it('[AMN-2] who was told what it had signed signs SKIP only in the views that it was in, and what it was told', () => {
    const machine = new Machine()
    doubt(machine.state)
    machine.propose(first)
    expect(machine.state.blocks.get(first.hash)?.status).toBe('valid')
    expect(machine.signedTexts, 'no VOTE').toEqual([])
    machine.work().later(60_000)
    expect(machine.signedTexts.map((text) => text.trim())).toEqual(['SKIP 1'])
    const late = new Machine()
    doubt(late.state)
    late.propose(first)
    late.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(late.signedTexts, 'no FINALIZE').toEqual([])
    const second = makeBlock(first, 2)
    late.propose(second)
    expect(late.signedTexts, 'the next view is as any other').toEqual([textOf('VOTE', 2, second)])
    const told = new Machine()
    noteLocks(told.state, { view: 1, statements: [signed(0, 'VOTE', 1, first).statement] })
    doubt(told.state)
    told.propose(first)
    expect(told.signedTexts, 'as it was told').toEqual([textOf('VOTE', 1, first)])
  })

  it('[ORD-5] a leader that restarts proposes again what it had proposed, nothing else', () => {
    const { statement } = signed(1, 'VOTE', 1, first)
    const locks = { view: 1, statements: [statement] }
    const machine = new Machine({ self: 1, restart: { locks, blocks: [first] } })
    machine.work().later(TIMING.viewMs)
    expect(machine.of('BUILD')).toEqual([])
    expect(machine.state.blocks.get(first.hash)?.leaderVote?.party).toBe(party(1))
    const without = new Machine({ self: 1, restart: { locks } }).work()
    expect(without.of('BUILD')).toEqual([])
  })

  it('[SGN-1] after a restart nothing is signed below the highest view', () => {
    const machine = new Machine({ restart: { locks: { view: 3, statements: [] } } }).work()
    machine.propose(first).later(60_000)
    machine.certify(certificate('skip', 2, [1, 2, 3]))
    expect(machine.signedTexts).toEqual([])
    machine.later(60_000)
    expect(machine.signedTexts).toEqual(['SKIP 3'])
  })
})

describe('repair', () => {
  const helped = (machine: Machine, view: number) => {
    machine.clear()
    machine.take({ type: 'STATUS', from: party(3), view, committedHeight: 0 } as never)
    return machine.of('SEND').map(({ to, message }) => {
      expect(to).toBe(party(3))
      return message.type === 'CERTIFICATE'
        ? `${message.certificate.kind} ${message.certificate.view}`
        : message.type === 'STATEMENT'
          ? `${message.signed.statement.type} ${message.signed.statement.view}`
          : `PROPOSE ${message.block.header.view}`
    })
  }

  it('[ORD-10] a peer that is behind is sent the certificates since, the block at hand and our statements', () => {
    const machine = new Machine().work()
    skipTo(machine, 2)
    machine.propose(makeBlock(GENESIS, 2))
    expect(helped(machine, 1)).toEqual(['skip 1', 'PROPOSE 2', 'VOTE 2'])
    expect(helped(machine, 2)).toEqual(['PROPOSE 2', 'VOTE 2'])
    expect(helped(machine, 3)).toEqual([])
  })

  it('[ORD-10] [ORD-3] who came over a view without its certificate asks for it, and proposes once it is there', () => {
    const other = new Machine().work()
    skipTo(other, 4)
    const machine = new Machine({ self: 0 }).work()
    for (const view of [1, 3]) machine.certify(certificate('skip', view, [1, 2, 3]))
    machine.clear()
    expect([machine.state.view, wantedView(machine.state)]).toEqual([4, 2])
    expect(machine.of('BUILD')).toEqual([])
    expect(helped(other, 2).slice(0, 2)).toEqual(['skip 2', 'skip 3'])
    machine.certify(certificate('skip', 2, [1, 2, 3]))
    expect(machine.of('BUILD').map(({ view }) => view)).toEqual([4])
    expect(wantedView(machine.state)).toBe(4)
  })

  it('[ORD-10] of very many views a peer is sent the first that it wants, and the last', () => {
    const machine = new Machine({ self: 0, members: 1 })
    for (let view = 1; view <= 300; view += 1) machine.certify(certificate('skip', view, [0]))
    const sent = helped(machine, 20)
    expect(sent).toHaveLength(128)
    expect([sent[0], sent[63], sent[64], sent[127]]).toEqual(['skip 20', 'skip 83', 'skip 237', 'skip 300'])
    expect(helped(machine, 250)).toHaveLength(51)
    expect(helped(machine, 200)).toHaveLength(101)
  })

  it('[ORD-3] of very many skipped views the oldest certificates go ahead of the proposal', () => {
    const machine = new Machine({ self: 0, members: 1 })
    const skips = 300
    for (let view = 1; view <= skips; view += 1) machine.certify(certificate('skip', view, [0]))
    machine.clear()
    machine.requests = 1
    machine.work()
    const messages = machine.of('SEND').map(({ message }) => message)
    const proposals = messages.flatMap((message) => (message.type === 'PROPOSE' ? [message] : []))
    expect(proposals[0]?.skipCertificates).toHaveLength(256)
    const ahead = messages.slice(0, skips - 256).map((message) => message.type)
    expect(new Set(ahead)).toEqual(new Set(['CERTIFICATE']))
  })
})

describe('what others send', () => {
  it('[SIG-3] statements of other contracts, lineages, epochs and of non-members count for nothing', () => {
    const machine = new Machine()
    for (const place of [{ contract: 'd'.repeat(64) }, { lineage: 1 }, { epoch: 1 }])
      for (const member of [1, 2, 3]) machine.statement(member, 'SKIP', 1, undefined, place)
    for (const member of [5, 6, 7]) machine.statement(member, 'SKIP', 1)
    expect(machine.state.view).toBe(1)
    expect(machine.state.views.get(1)?.skips.size ?? 0).toBe(0)
    const elsewhere: Known = {
      ...first,
      block: { ...first.block, header: { ...first.block.header, epoch: 1 } },
    }
    machine.propose(elsewhere)
    expect(machine.state.blocks.has(first.hash)).toBe(false)
  })

  it('[EVI-1] a leader that signs two blocks is named, and counts for whichever has its quorum', () => {
    const machine = new Machine().propose(first).propose(other)
    expect(machine.of('EVIDENCE').map(({ evidence }) => [evidence.kind, evidence.party])).toEqual([
      ['two-votes', party(1)],
    ])
    machine.propose(other)
    machine.statement(1, 'VOTE', 1, other)
    expect(machine.of('EVIDENCE')).toHaveLength(1)
    machine.statement(2, 'VOTE', 1, other).statement(3, 'VOTE', 1, other)
    expect(machine.state.view).toBe(2)
    expect(machine.signedTexts).toEqual([textOf('VOTE', 1, first), textOf('FINALIZE', 1, other)])
  })

  it('[EVI-1] FINALIZE with SKIP, and two FINALIZEs, are evidence; VOTE with SKIP is none', () => {
    const machine = new Machine()
    machine.statement(2, 'VOTE', 1, first).statement(2, 'SKIP', 1)
    expect(machine.of('EVIDENCE')).toEqual([])
    machine.statement(2, 'FINALIZE', 1, first).statement(2, 'FINALIZE', 1, other)
    const kinds = machine.of('EVIDENCE').map(({ evidence }) => evidence.kind)
    expect(kinds.sort()).toEqual(['finalize-and-skip', 'finalize-and-skip', 'two-finalizes'])
  })

  it('[ORD-4] a liar’s blocks and statements are kept in small numbers', () => {
    const machine = new Machine()
    for (let salt = 0; salt < 40; salt += 1) machine.propose(makeBlock(GENESIS, 1, salt))
    expect(machine.state.blocks.size).toBeLessThan(6)
    expect(machine.state.views.get(1)?.votes.size).toBeLessThan(6)
    machine.statement(2, 'SKIP', 5_000_000)
    expect(machine.state.views.has(5_000_000)).toBe(false)
  })

  it('[ORD-4] a block of nobody’s that was not asked for is not kept', () => {
    const machine = new Machine()
    const { block, hash } = first
    machine.take({
      type: 'PROPOSE',
      from: party(3),
      hash,
      proposal: { block, skipCertificates: [] },
    } as never)
    expect(machine.state.blocks.has(hash)).toBe(false)
  })
})
