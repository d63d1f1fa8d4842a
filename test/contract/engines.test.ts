/** What one message does at an engine: refused requests and blocks, catching up from liars, answers to outsiders. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import { type Cosignature, cosign } from '../../src/ledger/checkpoint.ts'
import { type Evidence, evidenceHolds } from '../../src/ledger/evidence.ts'
import { signRequest } from '../../src/ledger/request.ts'
import { commitmentOf } from '../../src/ledger/value.ts'
import { requestStatus } from '../../src/node/request-status.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { RequestRecord } from '../../src/store/store.ts'
import { Engines, type Member, type WireMessage } from '../support/engines.ts'

const refusals = (member: Member): unknown[] =>
  member.logs.filter(({ event }) => event === 'message-refused').map(({ detail }) => detail.code)

function requestOf(engines: Engines, contract: string, author: Member, change: object = {}): WireMessage {
  const opening = { salt: base64UrlEncode(engines.random(16)), value: 'by hand' }
  const { state } = author.engine.replica(contract).chain.tip
  const signed = signRequest(author.keys.author.privateKey, {
    contract,
    author: author.party,
    authorKey: author.keys.author.publicKey,
    nonce: base64UrlEncode(engines.random(16)),
    notAfterMs: engines.nowMs + 60_000,
    operations: [
      {
        op: 'create',
        uid: Buffer.from(engines.random(16)).toString('hex'),
        parent: state.rootUid,
        name: 'new',
        kind: 'field',
        order: 'z',
        type: 'text',
        value: commitmentOf(opening),
      },
    ],
    ...change,
  })
  const { request, signature } = signed
  return { type: 'REQUEST', contract, request: { request, signature }, openings: [opening] }
}

describe('requests from other members', () => {
  it('[REQ-1] [REQ-6] a well-signed one enters the ledger, whoever passes it on', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const message = requestOf(engines, contract, engines.member(0))
    engines.member(1).engine.deliver(engines.member(2).party, [message], engines.nowMs)
    engines.pass(5000)
    expect(engines.finalSizes(contract)).toEqual([2, 2, 2])
    expect(refusals(engines.member(1))).toEqual([])
  })

  it.each([
    [
      'a wrong signature',
      (m: WireMessage) => ({ ...m, request: { ...(m.request as object), signature: 'A'.repeat(86) } }),
      'bad-signature',
    ],
    [
      'an opening of another value',
      (m: WireMessage) => ({ ...m, openings: [{ salt: 'A'.repeat(22), value: 'other' }] }),
      'bad-request',
    ],
    ['no opening', (m: WireMessage) => ({ ...m, openings: [] }), 'bad-request'],
    ['an unknown key', (m: WireMessage) => ({ ...m, more: 1 }), 'bad-format'],
  ])('[VAL-2] [SIG-1] one with %s is refused and changes nothing', (_, change, code) => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const message = change(requestOf(engines, contract, engines.member(0)) as WireMessage)
    engines.member(1).engine.deliver(engines.member(0).party, [message], engines.nowMs)
    engines.pass(5000)
    expect(refusals(engines.member(1))).toEqual([code])
    expect(engines.finalSizes(contract)).toEqual([1, 1, 1])
  })

  it('[REQ-1] one for another contract, by a stranger, or expired is refused', () => {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"1"}', 3)
    const other = engines.contract('{"a":"1"}', 3)
    const [author, receiver] = [engines.member(0), engines.member(1)]
    const cases = [
      requestOf(engines, contract, author, { contract: other }),
      requestOf(engines, contract, author, { author: engines.member(3).party }),
      requestOf(engines, contract, author, { notAfterMs: engines.nowMs - 120_000 }),
      requestOf(engines, contract, author, { notAfterMs: engines.nowMs + 90 * 86_400_000 }),
    ]
    receiver.engine.deliver(author.party, cases, engines.nowMs)
    engines.pass(5000)
    expect(refusals(receiver)).toEqual(['wrong-contract', 'unknown-party', 'expired', 'bad-request'])
    expect(engines.finalSizes(contract)).toEqual([1, 1, 1])
  })

  it('[REQ-5] a replayed one is ordered once', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const message = requestOf(engines, contract, engines.member(0))
    for (let round = 0; round < 3; round += 1) {
      for (const { engine } of engines.members)
        engine.deliver(engines.member(2).party, [message], engines.nowMs)
      engines.pass(3000)
    }
    expect(engines.finalSizes(contract)).toEqual([2, 2, 2])
  })

  it('[REQ-4] two that carry the same commitment are both executed, whichever is ordered first', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const first = requestOf(engines, contract, engines.member(0))
    const { request } = first.request as { request: { operations: object[] } }
    const operations = request.operations.map((operation) => ({
      ...operation,
      uid: Buffer.from(engines.random(16)).toString('hex'),
    }))
    const second = {
      ...requestOf(engines, contract, engines.member(0), { operations }),
      openings: first.openings,
    }
    for (const { engine } of engines.members) {
      engine.deliver(engines.member(2).party, [first], engines.nowMs)
      engine.deliver(engines.member(2).party, [second], engines.nowMs)
    }
    engines.pass(5000)
    const { engine } = engines.member(0)
    expect(new Set(engines.finalSizes(contract)).size).toBe(1)
    expect(engine.replica(contract).chain.pool.size).toBe(0)
  })

  it('[ENC-1] garbage of every kind is refused without an exception', () => {
    const engines = new Engines(2)
    const contract = engines.contract('{"a":"1"}')
    const garbage = [
      null,
      7,
      'x',
      [],
      {},
      { type: 'REQUEST' },
      { type: '__proto__', contract },
      { type: 'VOTE', contract },
    ]
    engines.member(1).engine.deliver(engines.member(0).party, garbage, engines.nowMs)
    expect(refusals(engines.member(1))).toEqual(garbage.map(() => 'bad-format'))
  })
})

describe('ledger blocks of others', () => {
  it.each([
    ['state root', 'wrong-state-root', (h: Record<string, unknown>) => ({ ...h, stateRoot: '1'.repeat(64) })],
    ['log root', 'wrong-log-root', (h: Record<string, unknown>) => ({ ...h, logRoot: '1'.repeat(64) })],
    ['time', 'wrong-time', (h: Record<string, unknown>) => ({ ...h, timeMs: 1 })],
    ['height', 'wrong-height', (h: Record<string, unknown>) => ({ ...h, height: 2 })],
  ])(
    '[BLK-4] [ORD-4] a leader’s block with a wrong %s gets no vote and an objection',
    async (_, code, change) => {
      const { blockHash } = await import('../../src/ledger/block.ts')
      const { signStatements } = await import('../../src/crypto/statement.ts')
      const engines = new Engines(3)
      const contract = engines.contract('{"a":"1"}')
      const leader = engines.member(1)
      // The leader of view 1 sends the others something else than it has built, with its true vote key.
      engines.line = (message, from) => {
        if (message.type !== 'PROPOSE' || from !== leader.party) return message
        const block = message.block as { header: never; entries: unknown[] }
        const altered = { ...block, header: change(block.header) }
        const statement = {
          type: 'VOTE',
          contract,
          lineage: 0,
          epoch: 0,
          view: 1,
          block: blockHash(altered.header as never),
        }
        const [signature] = signStatements(leader.keys.vote.privateKey, [statement])
        return (block.header as { view: number }).view === 1
          ? ({
              ...message,
              block: altered,
              vote: { statement, party: leader.party, signature },
            } as WireMessage)
          : message
      }
      engines.set(engines.member(0), contract, 'a', '2')
      engines.settle()
      const refused = engines.member(2).logs.find(({ event }) => event === 'block-refused')
      expect(refused?.detail).toMatchObject({ code, leader: leader.party, view: 1 })
      expect(leader.logs.some(({ event }) => event === 'objection')).toBe(true)
      engines.pass(20_000)
      expect(engines.finalSizes(contract), 'the next leader orders it').toEqual([2, 2, 2])
    },
  )
})

describe('cosignatures', () => {
  it('[COS-1] nobody cosigns a block whose openings it does not hold, whatever the quorum has committed', () => {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"1"}')
    const without = engines.member(3)
    engines.line = (message, _from, to) =>
      to === without.party && (message.type === 'REQUEST' || message.type === 'LEDGER') ? undefined : message
    engines.set(engines.member(0), contract, 'a', '2')
    engines.pass(8000)
    expect(engines.member(0).engine.replica(contract).chain.height).toBeGreaterThan(0)
    expect(engines.member(0).engine.replica(contract).finality.knownSizeOf(without.party)).toBe(1)
    expect(engines.finalSizes(contract)).toEqual([1, 1, 1, 1])
    engines.line = (message) => message
    engines.pass(60_000)
    const sizes = engines.finalSizes(contract)
    expect(Math.min(...sizes)).toBeGreaterThan(1)
    expect(new Set(sizes).size).toBe(1)
  })

  it('[COS-4] [EVI-1] a second history cosigned by a member is evidence against it, for all, and halts nothing', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    engines.set(engines.member(0), contract, 'a', '2')
    engines.pass(5000)
    expect(engines.finalSizes(contract)).toEqual([2, 2, 2])
    const [victim, liar] = [engines.member(0), engines.member(2)]
    const genuine = victim.engine.replica(contract).finality.highest(liar.party) as Cosignature
    const { epoch, size } = genuine
    const forged = {
      contract,
      lineage: 0,
      epoch,
      size,
      root: '3'.repeat(64),
      block: '4'.repeat(64),
      stateRoot: '5'.repeat(64),
    }
    const cosignature = cosign(
      liar.keys.cosign.privateKey,
      liar.party,
      forged,
      Math.floor(engines.nowMs / 1000),
    )
    victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    engines.settle()
    const replica = victim.engine.replica(contract)
    const [kept] = victim.store.evidence(contract)
    expect(kept?.evidence).toMatchObject({ kind: 'two-checkpoints', party: liar.party })
    expect(evidenceHolds(kept?.evidence as Evidence, replica.electorate, replica.cosignKeys)).toBe(true)
    expect(engines.member(1).store.evidence(contract), 'told to the others').toEqual([kept])
    engines.set(victim, contract, 'a', '3')
    engines.pass(5000)
    expect(engines.finalSizes(contract), 'what it cosigns on this history still counts').toEqual([3, 3, 3])
    engines.boot(victim, false)
    expect([...victim.engine.replica(contract).evidence.accused.keys()]).toEqual([liar.party])
  })

  it('[COS-3] what a member has called final is final after a crash, with nobody there to say it again', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"0"}')
    for (const member of engines.members) {
      engines.pass(3000)
      const before = member.notices.length
      engines.set(member, contract, 'a', `by ${member.party}`)
      const finals = () => member.notices.slice(before).flatMap((one) => (one.type === 'final' ? [one] : []))
      for (let step = 0; finals().length === 0 && step < 5000; step += 1) engines.pass(1)
      const size = (finals().at(-1)?.toHeight ?? 0) + 1
      expect(size).toBeGreaterThan(1)
      // What waits to be written is lost with the engine, and no connection is made.
      for (const other of engines.members) if (other !== member) engines.disconnect(member, other)
      engines.boot(member, false)
      expect(member.engine.replica(contract).finalSize).toBeGreaterThanOrEqual(size)
      for (const other of engines.members) if (other !== member) engines.reconnect(member, other)
    }
  })

  it('[COS-3] what its disk has not taken a member shows to nobody as final', () => {
    const engines = new Engines(2)
    const contract = engines.contract('{"a":"1"}')
    const [first, second] = engines.members as [Member, Member]
    engines.pass(2000)
    const id = engines.set(first, contract, 'a', '2')
    engines.line = (message, from) =>
      from === second.party && (message.type === 'COSIGN' || message.type === 'STATUS') ? undefined : message
    engines.pass(2000)
    const { write } = first.store
    first.store.write = () => {
      throw new CountersignError('disk-full', 'the disk is full')
    }
    engines.line = (message) => message
    engines.pass(5000)
    const replica = first.engine.replica(contract)
    const stage = (): string =>
      requestStatus(replica, first.store.request(contract, id) as RequestRecord, false).stage
    expect([replica.finalSize, replica.shownFinalSize, stage()]).toEqual([2, 1, 'tentative'])
    first.store.write = write
    engines.pass(2000)
    expect([replica.finalSize, replica.shownFinalSize, stage()]).toEqual([2, 2, 'final'])
  })

  it('[COS-4] a forged cosignature of an honest member halts nothing', () => {
    const engines = new Engines(3)
    const contract = engines.contract('{"a":"1"}')
    const [victim, honest, liar] = [engines.member(0), engines.member(1), engines.member(2)]
    const forged = {
      contract,
      lineage: 0,
      epoch: 0,
      size: 1,
      root: '3'.repeat(64),
      block: '4'.repeat(64),
      stateRoot: '5'.repeat(64),
    }
    const cosignature = cosign(liar.keys.cosign.privateKey, honest.party, forged, 1)
    victim.engine.deliver(liar.party, [{ type: 'COSIGN', contract, cosignature }], engines.nowMs)
    expect(victim.engine.replica(contract).status).toBe('accepted')
    expect(victim.logs.some(({ event }) => event === 'bad-cosignature')).toBe(true)
  })
})

describe('catching up', () => {
  function awayFor(blocks: number): { engines: Engines; contract: string; away: Member } {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"0"}')
    const away = engines.member(3)
    for (const member of engines.members) if (member !== away) engines.disconnect(away, member)
    for (let index = 1; index <= blocks; index += 1) {
      engines.set(engines.member(index % 3), contract, 'a', String(index))
      engines.pass(6000)
    }
    expect(engines.member(0).engine.replica(contract).chain.height).toBe(blocks)
    expect(away.engine.replica(contract).chain.height).toBe(0)
    return { engines, contract, away }
  }

  it('[SYN-1] [ORD-7] [COS-3] a member that was away gets, checks and cosigns what it missed: then it is final', () => {
    const { engines, contract, away } = awayFor(5)
    expect(engines.finalSizes(contract), 'nothing is final without it').toEqual([1, 1, 1, 1])
    for (const member of engines.members) if (member !== away) engines.reconnect(away, member)
    engines.pass(10_000)
    expect(engines.finalSizes(contract)).toEqual([6, 6, 6, 6])
  })

  it.each([
    [
      'shortened',
      (message: WireMessage) => ({
        ...message,
        blocks: [],
        requests: [],
        openings: [],
        notarization: undefined,
        finalization: undefined,
      }),
      'shorter than the checkpoint it cosigned',
    ],
    [
      'altered',
      (message: WireMessage) => {
        const [first, ...rest] = message.blocks as { header: object }[]
        return {
          ...message,
          blocks: [{ ...first, header: { ...first?.header, stateRoot: '2'.repeat(64) } }, ...rest],
        }
      },
      'ledger block',
    ],
    [
      'stripped of a request',
      (message: WireMessage) => ({ ...message, requests: (message.requests as unknown[]).slice(1) }),
      'left out',
    ],
    [
      'given another value',
      (message: WireMessage) => ({
        ...message,
        openings: (message.openings as { value: unknown }[]).map((opening) => ({
          ...opening,
          value: 'forged',
        })),
      }),
      'a request it sent is refused',
    ],
    [
      'without its proof',
      (message: WireMessage) => ({ ...message, finalization: message.notarization }),
      'is not of the last ledger block',
    ],
  ])('[SYN-2] a history that is %s is refused, its sender named, and another asked', (_, lie, reason) => {
    const { engines, contract, away } = awayFor(4)
    const liar = engines.member(0)
    let lies = 0
    engines.line = (message, from) => {
      if (from !== liar.party || message.type !== 'LEDGER') return message
      lies += 1
      return JSON.parse(JSON.stringify(lie(message))) as WireMessage
    }
    // Only the liar at first, so that it is the one asked.
    engines.reconnect(away, liar)
    engines.pass(9000)
    expect(lies).toBeGreaterThan(0)
    expect(away.engine.replica(contract).chain.height).toBe(0)
    const refused = away.logs.find(({ event }) => event === 'history-refused')
    expect(refused?.detail).toMatchObject({ rule: 'SYN-2', party: liar.party })
    expect(refused?.detail.reason).toContain(reason)
    for (const member of [engines.member(1), engines.member(2)]) engines.reconnect(away, member)
    engines.pass(15_000)
    const sizes = engines.finalSizes(contract)
    expect(
      Math.min(...sizes),
      'it holds the true history, and an empty block may have followed',
    ).toBeGreaterThan(4)
    expect(new Set(sizes).size).toBe(1)
    expect([...away.engine.replica(contract).sync.refused.keys()]).toEqual([liar.party])
  })
})

describe('an old copy of the data', () => {
  it('[AMN-2] asks for its own signatures, learns at once that it is behind, and signs on from there', () => {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"0"}')
    const old = engines.member(3)
    const copy = join(mkdtempSync(join(tmpdir(), 'countersign-copy-')), 'copy.db')
    old.store.backup(copy)
    for (let round = 1; round < 5; round += 1) {
      engines.set(engines.member(round % 4), contract, 'a', String(round))
      engines.pass(3000)
    }
    expect(engines.finalSizes(contract)).toEqual([5, 5, 5, 5])
    for (const member of engines.members) if (member !== old) engines.disconnect(old, member)
    old.store = openSqliteStore(copy)
    engines.boot(old, false)
    expect(old.engine.replica(contract).phase).toBe('recalling')
    for (const member of engines.members) if (member !== old) engines.reconnect(old, member)
    engines.pass(1000)
    expect(old.engine.replica(contract).phase).toBe('signing')
    expect(engines.finalSizes(contract)).toEqual([5, 5, 5, 5])
    engines.set(old, contract, 'a', 'after')
    engines.pass(3000)
    expect(engines.finalSizes(contract)).toEqual([6, 6, 6, 6])
    old.store.close()
    rmSync(dirname(copy), { recursive: true })
  })
})

describe('outsiders', () => {
  it('[NET-3] a pinned peer that is no member gets the same bytes for a contract that exists and one that doesn’t', () => {
    const engines = new Engines(4)
    const existing = engines.contract('{"a":"1"}', 3)
    const invented = 'f'.repeat(64)
    const outsider = engines.member(3)
    const questions = (contract: string): unknown[] => [
      { type: 'STATUS', contract, view: 1, committedHeight: 0, cosignatures: [], boot: 'b', answer: false },
      { type: 'SYNC', contract, fromHeight: 1, toHeight: 5 },
      { type: 'FETCH', contract, blocks: ['a'.repeat(64)] },
      { type: 'RECALL', contract, boot: 'b' },
      { ...requestOf(engines, existing, engines.member(0)), contract },
      { type: 'OBJECT', contract, view: 1, block: 'a'.repeat(64), code: 'wrong-time' },
    ]
    const answers = (contract: string): string[] => {
      engines.member(1).engine.deliver(outsider.party, questions(contract), engines.nowMs)
      const sent = engines.member(1).engine.turn(engines.nowMs)
      return sent.map(({ to, text }) => `${to === outsider.party} ${text.replaceAll(contract, 'ID')}`)
    }
    const forExisting = answers(existing)
    expect(forExisting).toEqual(answers(invented))
    expect(forExisting).toHaveLength(6)
    expect(new Set(forExisting)).toEqual(new Set(['true {"type":"UNKNOWN","contract":"ID"}']))
  })

  it('[NET-3] an invitation that isn’t one tells nothing either', () => {
    const engines = new Engines(4)
    const existing = engines.contract('{"a":"1"}', 3)
    const answer = (contract: string): unknown => {
      engines
        .member(1)
        .engine.deliver(
          engines.member(3).party,
          [{ type: 'INVITE', contract, genesis: {}, openings: [] }],
          engines.nowMs,
        )
      return engines.member(1).engine.turn(engines.nowMs)
    }
    expect(answer(existing)).toEqual([])
    expect(answer('f'.repeat(64))).toEqual([])
  })
})

describe('idleness', () => {
  it('[ORD-6] once everything is final nobody sends anything or wants to be woken', () => {
    const engines = new Engines(4)
    const contract = engines.contract('{"a":"1"}')
    engines.set(engines.member(2), contract, 'a', '2')
    engines.pass(5000)
    expect(engines.finalSizes(contract)).toEqual([2, 2, 2, 2])
    let sent = 0
    engines.line = (message) => {
      sent += 1
      return message
    }
    engines.pass(600_000, 1000)
    expect(sent).toBe(0)
    for (const { engine } of engines.members) expect(engine.wakeMs(engines.nowMs)).toBeUndefined()
  })
})

describe('a key that is missing', () => {
  const tellsOf = ({ logs }: Member): unknown[] =>
    logs.filter(({ event }) => event === 'key-missing').map(({ detail }) => detail.use)

  it.each(['vote', 'cosign'] as const)(
    '[CARD-2] the %s key in force: said once, nothing is halted, and it goes on once the key is there',
    (use) => {
      const engines = new Engines(2)
      const contract = engines.contract('{"a":"1"}')
      const [first, second] = [engines.member(0), engines.member(1)]
      const { ring } = second
      second.ring = { ...ring, [use]: first.keys[use] }
      engines.boot(second, false)
      engines.reconnect(first, second)
      engines.pass(2000)
      engines.set(first, contract, 'a', '2')
      engines.pass(20_000)
      expect(tellsOf(second)).toEqual([use])
      expect(second.engine.replica(contract).status).toBe('accepted')
      expect(engines.finalSizes(contract)).toEqual([1, 1])
      second.ring = ring
      engines.boot(second, false)
      engines.reconnect(first, second)
      engines.pass(20_000)
      expect(tellsOf(second)).toEqual([use])
      expect(first.engine.replica(contract).finalSize).toBeGreaterThanOrEqual(2)
    },
  )
})
