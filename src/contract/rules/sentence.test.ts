import { describe, expect, it } from 'vitest'
import type { Behaviour } from '../../ledger/behaviour.ts'
import { draftSentence, ruleSentence } from './sentence.ts'

const [acme, beta] = ['aa'.repeat(32), 'bb'.repeat(32)]
const nameOf = (party: string): string => (party === acme ? 'Acme Broking' : 'Beta Re')
const say = (path: string[], behaviour: Behaviour) =>
  ruleSentence({ at: '00'.repeat(16), path, behaviour }, nameOf)

describe('a rule in plain language', () => {
  const grants = [{ party: acme }]
  const cases: [string[], Behaviour, string][] = [
    [
      ['Premium', 'Rate'],
      { kind: 'access', actions: ['propose'], grants },
      'Only Acme Broking may change Premium › Rate.',
    ],
    [
      ['Notes'],
      {
        kind: 'access',
        actions: ['propose', 'add'],
        grants: [
          { party: acme, untilMs: Date.UTC(2027, 0, 1) },
          { party: beta, untilPhase: 'closed' },
        ],
      },
      'Only Acme Broking (until 2027-01-01 00:00 UTC) and Beta Re (until the phase “closed”) may change or add to Notes.',
    ],
    [['Notes'], { kind: 'access', actions: ['remove'], grants: [] }, 'Nobody may remove from Notes.'],
    [
      ['Bid'],
      { kind: 'access', actions: ['see'], grants: [{ party: acme }, { party: beta }] },
      'Only Acme Broking and Beta Re may see what is in Bid.',
    ],
    [
      [],
      { kind: 'access', actions: ['see'], grants: [{ party: acme, untilMs: Date.UTC(2027, 0, 1, 9, 30) }] },
      'Only Acme Broking (until 2027-01-01 09:30 UTC) may see what is in the contract.',
    ],
    [
      ['Bid'],
      { kind: 'access', actions: ['approve', 'see', 'propose'], grants },
      'Only Acme Broking may see what is in Bid, change it or vote on it.',
    ],
    [
      ['Bid'],
      { kind: 'access', actions: ['propose', 'see'], grants: [{ party: acme, untilPhase: 'opened' }] },
      'Only Acme Broking (until the phase “opened”) may see what is in Bid or change it.',
    ],
    [['Bid'], { kind: 'access', actions: ['see'], grants: [] }, 'Nobody may see what is in Bid.'],
    [
      ['Total'],
      { kind: 'aggregate', function: 'sum', over: ['Costs', 'Cost'], reader: beta, atLeast: 3 },
      'Total is the sum of all Costs › Cost, computed by Beta Re, who alone sees them all; everybody sees what it comes to, once at least 3 others have given theirs.',
    ],
    [
      ['Offers'],
      { kind: 'aggregate', function: 'count', over: ['Offer'], reader: acme, atLeast: 2 },
      'Offers is the number of all Offer, computed by Acme Broking, who alone sees them all; everybody sees what it comes to, once at least 2 others have given theirs.',
    ],
    [['Rate'], { kind: 'limits', min: '0', max: '10' }, 'Rate lies from 0 to 10.'],
    [['Kind'], { kind: 'limits', oneOf: ['fire', 'flood'] }, 'Kind is one of “fire” or “flood”.'],
    [['Name'], { kind: 'required', from: 'bound' }, 'Name has to be there from the phase “bound” on.'],
    [['Lines'], { kind: 'unique', by: ['No'] }, 'No two of Lines have the same No.'],
    [
      [],
      {
        kind: 'constraint',
        expression: 'sum(Lines.Share) <= 100',
        message: 'lines fill no more than the order',
      },
      'In the contract: the sum of Share of Lines is at most 100 (lines fill no more than the order).',
    ],
    [
      ['Due'],
      { kind: 'assignment', expression: 'Amount * Rate' },
      'Due is computed and typed by nobody: it is Amount times Rate.',
    ],
    [
      ['Tax'],
      { kind: 'activation', expression: 'Country = "DE"' },
      'Tax is there only while Country is “DE”.',
    ],
    [
      ['Rate'],
      { kind: 'approval', parties: [acme, beta], count: 2 },
      'Rate is agreed once Acme Broking and Beta Re have said yes.',
    ],
    [
      ['Rate'],
      { kind: 'approval', count: 2, several: true },
      'Rate is agreed once 2 of the members have said yes; several proposals may stand side by side.',
    ],
    [['Holder'], { kind: 'transfer' }, 'Holder says who holds it, and only its holder passes it on.'],
    [
      ['Mine'],
      { kind: 'ownership', owner: beta },
      'Only Beta Re adds and removes in Mine, without needing a lock.',
    ],
    [
      [],
      { kind: 'phases', names: ['quote', 'bound'], by: [acme] },
      'The phases after “edit” are “quote”, “bound”; Acme Broking may move the contract on.',
    ],
    [
      [],
      {
        kind: 'trigger',
        when: { kind: 'question', text: 'Open it?', parties: [acme, beta], count: 2 },
        actions: [
          { do: 'activate', target: ['Court'] },
          { do: 'switch', set: 'Strict', on: true },
        ],
      },
      'Once 2 of Acme Broking and Beta Re have said yes to “Open it?”, Court comes in and the rules of “Strict” are switched on.',
    ],
  ]
  it.each(cases)('[RUL-1] %j %j', (path, behaviour, sentence) => {
    expect(say(path, behaviour)).toBe(sentence)
  })

  it('[RUL-1] says of a draft what it changes', () => {
    expect(draftSentence({ do: 'repeal', rule: 'ab' }, nameOf, () => 'Rate lies from 0 to 10.')).toBe(
      'This is to be no rule any more: Rate lies from 0 to 10.',
    )
    expect(draftSentence({ do: 'switch', set: 'Strict', on: false }, nameOf, () => '')).toBe(
      'The rules of “Strict” are switched off.',
    )
  })
})
