/** Rules in whatever order they came into force: every node names the same one. */
import { expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'

it('[RUL-3] of several rules that refuse, the one with the first UID is named, whenever it came', () => {
  const one = new Agreement(['Acme', 'Beta'], '{"Rate": 1}')
  const uids = ['f'.repeat(32), '1'.repeat(32)]
  for (const uid of uids) {
    const behaviour = {
      kind: 'access',
      actions: ['propose'],
      grants: [{ party: one.party('Acme') }],
    } as const
    const rule = {
      at: one.state.rootUid,
      path: ['Rate'],
      behaviour: { ...behaviour, actions: [...behaviour.actions], grants: [...behaviour.grants] },
    }
    expect(one.run('Acme', { op: 'draft', uid, action: { do: 'add', rule } })).toMatchObject({
      outcome: 'accepted',
    })
    expect(one.agree(uid)).toMatchObject({ outcome: 'accepted' })
  }
  expect(one.set('Beta', '/Rate', '2')).toMatchObject({ code: 'access-denied', rule: '1'.repeat(32) })
})
