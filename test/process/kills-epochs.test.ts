/** kill -9 while the epoch turns: of who comes in, of who leaves and of who stays, at each step of it; then it goes on. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import { type Death, KilledCluster, Writer } from '../support/killed.ts'
import type { ProcessNode } from '../support/processes.ts'
import { IS_LONG, SCENARIO_MS } from '../support/scenario.ts'

const cluster = new KilledCluster(4)
const [first, second, third, fourth] = cluster.nodes as [ProcessNode, ProcessNode, ProcessNode, ProcessNode]

beforeAll(() => cluster.start(), 60_000)
afterEach(() => cluster.heal())
afterAll(() => cluster.stop())

/** Title, who may die of it, when; and whether it is tried in the short run as well. */
type Stage = [title: string, nodes: ProcessNode[], death: Death, isShort?: true]
const some = (stages: Stage[]): Stage[] => stages.filter(([, , , isShort]) => IS_LONG || isShort)

const INVITE = '"op":"invite"'
const ACCEPT = '"op":"accept"'
const LEAVE = '"op":"leave"'
const TURN = '"kind":"turn"'
const ORDERED = 'INTO request_outcome'
const COMMITTED = 'INTO chain'
const NEXT_EPOCH = '"epoch":1,"height"'

const COMING: Stage[] = [
  ['the inviter, its invitation on disk and not sent', [first], { moment: 'committed', holding: INVITE }],
  ['a member, the invitation ordered', [third], { moment: 'committed', since: INVITE, holding: ORDERED }],
  ['the guest, shown the contract', [fourth], { moment: 'committed', holding: 'INTO contract ' }],
  ['the guest, its acceptance on disk and not sent', [fourth], { moment: 'committed', holding: ACCEPT }],
  ['a member, all decided', [third], { moment: 'committed', since: ACCEPT, holding: ORDERED }],
  [
    'a member, about to cosign for the turn',
    [third],
    { moment: 'locking', since: ACCEPT, holding: '"cosign"' },
  ],
  [
    'the guest, its cosignature, the last of the certificate, locked and not sent',
    [fourth],
    { moment: 'locked', since: ACCEPT, holding: '"cosign"' },
    true,
  ],
  ['whoever proposes the turn, before', [first, second, third], { moment: 'sending', holding: TURN }],
  ['whoever proposes the turn, after', [first, second, third], { moment: 'sent', holding: TURN }],
  ['a member, its VOTE for the turn locked', [third], { moment: 'locked', since: TURN, holding: '"vote"' }],
  [
    'a member, the turn notarised',
    [third],
    { moment: 'committed', since: TURN, holding: '"kind":"notarization"' },
  ],
  ['a member, about to commit the turn', [third], { moment: 'committing', since: TURN, holding: COMMITTED }],
  ['a member, the turn committed', [third], { moment: 'committed', since: TURN, holding: COMMITTED }],
  ['the guest, the turn committed', [fourth], { moment: 'committed', since: TURN, holding: COMMITTED }],
  [
    'whoever proposes the first block of the next epoch',
    cluster.nodes,
    { moment: 'sending', holding: NEXT_EPOCH },
  ],
  ['a member, that block on disk', [third], { moment: 'committed', holding: NEXT_EPOCH }],
]

const LEAVING: Stage[] = [
  ['the leaver, about to sign LEAVE', [fourth], { moment: 'locking', holding: '"left":true' }],
  ['the leaver, LEAVE signed and not on disk', [fourth], { moment: 'locked', holding: '"left":true' }, true],
  ['the leaver, LEAVE on disk and not sent', [fourth], { moment: 'committed', holding: LEAVE }],
  ['the leaver, LEAVE ordered', [fourth], { moment: 'committed', since: LEAVE, holding: ORDERED }],
  ['a member, LEAVE ordered', [third], { moment: 'committed', since: LEAVE, holding: ORDERED }],
  ['whoever proposes the turn', cluster.nodes, { moment: 'sending', holding: TURN }],
  [
    'the leaver, about to commit the turn',
    [fourth],
    { moment: 'committing', since: TURN, holding: COMMITTED },
  ],
  ['the leaver, out', [fourth], { moment: 'committed', since: TURN, holding: COMMITTED }],
  ['a member, the turn committed', [third], { moment: 'committed', since: TURN, holding: COMMITTED }],
  ['whoever proposes the next block', [first, second, third], { moment: 'sending', holding: NEXT_EPOCH }],
]

/** Whatever was acknowledged while somebody came or went, and the node that died, is there afterwards. */
async function turn(
  members: readonly ProcessNode[],
  [title, nodes, death]: Stage,
  change: (id: string) => Promise<void>,
  after: readonly ProcessNode[],
): Promise<void> {
  const id = await cluster.contractOf(members, title)
  const writer = new Writer(second, id)
  try {
    await writer.more()
    await cluster.dieDuring(nodes, death, () => change(id))
    await writer.more()
  } finally {
    await writer.stop()
  }
  await cluster.expectWhole(after, id, writer.acknowledged)
}

describe('kill -9 while a party comes in', { timeout: 120_000 }, () => {
  it.each(some(COMING))('[EPO-9] [EPO-11] [EPO-13] of %s', (...stage) =>
    turn([first, second, third], stage, (id) => cluster.bringIn(cluster.nodes, id), cluster.nodes),
  )
})

describe('kill -9 of anybody at any moment', { timeout: SCENARIO_MS }, () => {
  it('[EPO-11] [ORD-5] [SGN-2] while a party comes in and leaves again', async () => {
    const random = new Random(20261121)
    for (let round = 0; round < (IS_LONG ? 8 : 1); round += 1) {
      const id = await cluster.contractOf([first, second, third], `round ${round}`)
      const writer = new Writer(second, id)
      const comeAndGo = async (): Promise<void> => {
        await cluster.bringIn(cluster.nodes, id)
        await cluster.takeOut(cluster.nodes, id)
      }
      try {
        expect(await cluster.dieAllAlong(cluster.nodes, random, comeAndGo)).toBeGreaterThan(0)
        await writer.more()
      } finally {
        await writer.stop()
      }
      await cluster.expectWhole([first, second, third], id, writer.acknowledged)
    }
  })
})

describe('kill -9 while a party leaves', { timeout: 120_000 }, () => {
  it.each(some(LEAVING))('[EPO-11] [EPO-12] of %s', (...stage) =>
    turn(cluster.nodes, stage, (id) => cluster.takeOut(cluster.nodes, id), [first, second, third]),
  )
})
