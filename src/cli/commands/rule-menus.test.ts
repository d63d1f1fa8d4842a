import { describe, expect, it } from 'vitest'
import { draftOf, type RuleOptions } from './rule-menus.ts'

const [ada, ben, court] = ['aa', 'bb', 'cc'].map((pair) => pair.repeat(32)) as [string, string, string]
const parties = {
  members: [
    { party: ada, name: 'Ada' },
    { party: ben, name: 'Ben' },
  ],
  observers: [{ party: court, name: 'Court' }],
}
const made = (options: RuleOptions, path?: string) => draftOf(options, path, parties, async (one) => one)
const rule = (path: string, behaviour: object) => ({ do: 'add', rule: { path, behaviour } })

describe('menus of rules on private values', () => {
  it('make what is at a path private to parties, observers too', async () => {
    expect(await made({ private: 'Bid', to: ['Ada', 'court'] })).toEqual(
      rule('Bid', { kind: 'access', actions: ['see'], grants: [{ party: ada }, { party: court }] }),
    )
    expect(await made({ only: ['Ben'], may: 'see, propose' }, 'Bid')).toEqual(
      rule('Bid', { kind: 'access', actions: ['see', 'propose'], grants: [{ party: ben }] }),
    )
  })

  it('let grants end at a time or a phase', async () => {
    const behaviour = (more: object) => ({
      kind: 'access',
      actions: ['see'],
      grants: [{ party: ada, ...more }],
    })
    expect(await made({ private: 'Bid', to: ['Ada'], until: '2027-01-01' })).toEqual(
      rule('Bid', behaviour({ untilMs: Date.UTC(2027, 0, 1) })),
    )
    expect(await made({ private: 'Bid', to: ['Ada'], until: '2027-01-01T09:30:00+01:00' })).toEqual(
      rule('Bid', behaviour({ untilMs: Date.UTC(2027, 0, 1, 8, 30) })),
    )
    expect(await made({ private: 'Bid', to: ['Ada'], untilPhase: 'opened' })).toEqual(
      rule('Bid', behaviour({ untilPhase: 'opened' })),
    )
  })

  it('make an aggregate', async () => {
    const options = { aggregate: 'Total', of: 'sum', over: 'Costs/Cost', reader: 'Ben', atLeast: '3' }
    expect(await made(options)).toEqual(
      rule('Total', { kind: 'aggregate', function: 'sum', over: 'Costs/Cost', reader: ben, atLeast: 3 }),
    )
  })

  it.each<[RuleOptions, RegExp]>([
    [{ private: 'Bid' }, /--private needs --to/],
    [{ private: 'Bid', to: ['Nobody'] }, /no party in this contract “Nobody”/],
    [{ private: 'Bid', to: ['Ada'], until: 'soon' }, /--until: expected a time/],
    [{ private: 'Bid', to: ['Ada'], until: '2027-13-01' }, /--until: expected a time/],
    [{ aggregate: 'Total', of: 'sum', over: 'Costs', reader: 'Ben' }, /--aggregate needs .*--at-least/],
    [{ private: 'Bid', to: ['Ada'], transfer: 'Bid' }, /--private and --transfer make several/],
  ])('say what is missing: %j', async (options, message) => {
    await expect(made(options)).rejects.toThrow(message)
  })
})
