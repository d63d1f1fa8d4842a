/** A template with one of each thing that there may be in one. */
const rule = (name: string, path: string[], behaviour: object, more: object = {}) => ({
  name,
  help: 'What it is for.',
  owner: 'buyer',
  anchor: [],
  path,
  behaviour,
  ...more,
})

export const TEMPLATES: readonly object[] = [
  {
    type: 'template',
    version: 1,
    name: 'sample',
    edition: 2,
    title: 'Sample',
    help: 'A sample.',
    ancestor: '0123456789abcdef'.repeat(4),
    roles: [
      { name: 'buyer', title: 'Buyer', help: 'Buys.' },
      { name: 'seller', title: 'Seller', help: 'Sells.', repeated: true },
      { name: 'court', title: 'Court', help: 'Looks on.', observer: true },
    ],
    types: [
      {
        name: 'Rate',
        base: 'decimal',
        label: 'Rate',
        help: 'In percent.',
        unit: '%',
        hint: 'percentage',
        min: '0',
        max: '100',
      },
      { name: 'Code', base: 'text', minLength: 1, maxLength: 9, pattern: '[A-Z]+', oneOf: ['A', 'B'] },
      {
        name: 'Line',
        base: 'block',
        members: [
          { name: 'Who', kind: 'field', type: 'party', label: 'Who', help: 'Whose it is.' },
          { name: 'Rate', kind: 'field', type: 'decimal', typed: 'Rate' },
        ],
      },
    ],
    tree: [
      { name: 'A', kind: 'field', type: 'decimal', typed: 'Rate', value: '12', label: 'A', help: 'A.' },
      { name: 'B', kind: 'field', type: 'decimal' },
      { name: 'On', kind: 'field', type: 'boolean', value: false },
      { name: 'Block', kind: 'block', label: 'Block', help: 'A block.', children: [] },
      {
        name: 'Lines',
        kind: 'list',
        typed: 'Line',
        children: [
          {
            name: 'item',
            kind: 'block',
            typed: 'Line',
            each: 'seller',
            children: [{ name: 'Who', kind: 'field', value: '@seller' }],
          },
        ],
      },
    ],
    rules: [
      rule('sum', ['B'], { kind: 'assignment', expression: 'A * 2' }, { set: 'later' }),
      rule('seen', [], {
        kind: 'access',
        actions: ['propose'],
        grants: [
          { party: '@buyer', forDays: 30 },
          { party: '@seller', untilPhase: 'open' },
        ],
      }),
      rule(
        'own',
        [],
        { kind: 'ownership', owner: '@seller' },
        { anchor: ['Lines'], each: 'seller', owner: 'seller' },
      ),
      rule('asked', ['A'], { kind: 'approval', parties: ['@buyer'], count: 'all', several: true }),
      rule('block', ['Block'], { kind: 'activation', expression: 'On' }),
      rule('let-in', [], {
        kind: 'trigger',
        when: { kind: 'question', text: 'Now?', parties: ['@seller'], count: 1 },
        actions: [
          { do: 'admit', card: '@court', older: true, forMs: 60_000 },
          { do: 'switch', set: 'later', on: true },
        ],
      }),
    ],
    phases: [{ name: 'open', title: 'Open', help: 'Begins.' }],
    firstPhase: 'open',
    movedBy: ['@buyer'],
    off: ['later'],
  },
]
