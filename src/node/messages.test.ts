import { describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { type FixtureBlock, storyLedger } from '../../test/support/ledger-fixture.ts'
import { jcs } from '../crypto/jcs.ts'
import { parseJson } from '../crypto/json.ts'
import { signStatements } from '../crypto/statement.ts'
import type { SignedStatement } from '../ledger/certificate.ts'
import { checkMessage, type Message } from './messages.ts'

const ledger = storyLedger(2, { members: 3 })
const { contract } = ledger
const bad = expect.objectContaining({ code: 'bad-format' })

const { block, hash, requests, notarization, finalization } = ledger.tip as Required<FixtureBlock>
const [member] = ledger.members as [(typeof ledger.members)[0]]
const statement = { contract, lineage: 0, epoch: 0, view: 2, type: 'VOTE', block: hash } as const
const [signature] = signStatements(member.keys.vote.privateKey, [statement]) as [SignedStatement['signature']]
const vote: SignedStatement = { statement, party: member.party, signature }
const skip = ledger.certificate('skip', { ...block.header, view: 3 })
const cosignature = ledger.cosignature(0)
const openings = ledger.genesisOpenings
const boot = 'AAECAwQFBgcICQoL'
const request = { request: requests[0]?.request, signature: requests[0]?.signature }

const MESSAGES: Message[] = [
  { type: 'INVITE', contract, genesis: ledger.genesis, openings },
  { type: 'REQUEST', contract, request, openings },
  { type: 'PROPOSE', contract, block, vote, notarization, skipCertificates: [skip] },
  { type: 'PROPOSE', contract, block, skipCertificates: [] },
  { type: 'STATEMENT', contract, signed: vote },
  { type: 'CERTIFICATE', contract, certificate: notarization },
  { type: 'COSIGN', contract, cosignature },
  {
    type: 'STATUS',
    contract,
    view: 0,
    committedHeight: -1,
    cosignatures: [cosignature],
    boot,
    answer: false,
  },
  { type: 'FETCH', contract, requests: [hash] },
  { type: 'FETCH', contract, requests: [hash], blocks: [hash] },
  { type: 'SYNC', contract, fromHeight: 1, toHeight: 2 },
  {
    type: 'LEDGER',
    contract,
    fromHeight: 1,
    blocks: [block],
    requests: [request],
    openings,
    notarization,
    finalization,
  },
  { type: 'LEDGER', contract, fromHeight: 1, blocks: [], requests: [], openings: [] },
  { type: 'RECALL', contract, boot },
  { type: 'RECALLED', contract, boot, statements: [vote], cosignature, finalization },
  { type: 'RECALLED', contract, boot, statements: [] },
  { type: 'OBJECT', contract, view: 2, block: hash, code: 'wrong-outcome' },
  { type: 'UNKNOWN', contract },
]

/** What a message may go without. */
const OPTIONAL = ['vote', 'notarization', 'finalization', 'cosignature']

describe('a message', () => {
  for (const [index, message] of MESSAGES.entries()) {
    const sent = JSON.parse(JSON.stringify(message))

    it(`[NET-4] of type ${message.type} is taken with all its keys and no other (${index})`, () => {
      expect(checkMessage(sent)).toBe(sent)
      for (const key of Object.keys(message)) {
        const { [key]: _, ...rest } = sent
        if (OPTIONAL.includes(key) && message.type !== 'COSIGN') expect(checkMessage(rest)).toBe(rest)
        else if (message.type !== 'FETCH' || key === 'type' || key === 'contract')
          expect(() => checkMessage(rest)).toThrow(bad)
      }
      for (const key of ['lineage', 'epoch', 'card', 'x', 'constructor', '__proto__'])
        expect(() => checkMessage(JSON.parse(`{${JSON.stringify(key)}:0,${jcs(sent).slice(1)}`))).toThrow(bad)
      expect(() => checkMessage({ ...sent, contract: contract.toUpperCase() })).toThrow(bad)
    })

    it(`[ENC-1] of type ${message.type} is refused whatever else it is (${index})`, () => {
      // Requests and the genesis are passed on as they came, as strict JSON: their own checks are elsewhere.
      const parse = (value: unknown) => checkMessage(parseJson(JSON.stringify(value)))
      const unchecked = { genesis: null, request: null, requests: sent.type === 'FETCH' ? sent.requests : [] }
      const held = Object.entries(unchecked).filter(([key]) => key in sent)
      expectStrict(parse, { ...sent, ...Object.fromEntries(held) }, jcs, 200)
    })
  }

  it.each([
    ['a list', []],
    ['null', null],
    ['text', 'UNKNOWN'],
    ['of no type', { contract }],
    ['of a type for strangers', { type: 'CARD?', contract }],
    ['of a type to come', { type: 'FREEZE', contract }],
    ['of an inherited type', JSON.parse(`{"__proto__":{"type":"UNKNOWN"},"contract":"${contract}"}`)],
    ['of a type that objects inherit', { type: 'constructor', contract }],
    ['of the type __proto__', { type: '__proto__', contract }],
    ['of a type in a list', { type: ['UNKNOWN'], contract }],
  ])('[NET-4] is none when it is %s', (_, value) => {
    expect(() => checkMessage(value)).toThrow(bad)
  })

  it.each([
    ['FETCH', { requests: Array(1025).fill(hash) }],
    ['FETCH', { requests: [] }],
    ['FETCH', { blocks: Array(65).fill(hash) }],
    ['STATUS', { committedHeight: -2 }],
    ['STATUS', { view: -1 }],
    ['STATUS', { cosignatures: Array(2049).fill(cosignature) }],
    ['STATUS', { boot: '' }],
    ['STATUS', { boot: 'a'.repeat(65) }],
    ['RECALL', { boot: 'a\u001b[2K' }],
    ['RECALLED', { statements: Array(4097).fill(vote) }],
    ['LEDGER', { blocks: Array(4097).fill(block) }],
    ['LEDGER', { openings: [{ ...openings[0], salt: '' }] }],
    ['OBJECT', { code: 'Wrong outcome\n' }],
    ['OBJECT', { code: 'x'.repeat(41) }],
    ['PROPOSE', { skipCertificates: [notarization, { ...skip, block: hash }] }],
    ['PROPOSE', { skipCertificates: Array(1025).fill(skip) }],
    ['PROPOSE', { vote: { ...vote, statement: { ...statement, type: 'SKIP' } } }],
    ['COSIGN', { cosignature: { ...cosignature, size: 0 } }],
  ])('[NET-4] of type %s is refused with %j', (type, change) => {
    const message = MESSAGES.find((one) => one.type === type)
    expect(() => checkMessage({ ...message, ...change })).toThrow(bad)
  })
})
