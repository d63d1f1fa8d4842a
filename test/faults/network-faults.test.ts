/** Faults of the network between real nodes, and of their machines, while many clients write the same few fields. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import { FaultyCluster } from '../support/faulty-cluster.ts'
import { pause, until } from '../support/processes.ts'
import type { Fault, Way } from '../support/proxy.ts'
import { type Incident, IS_LONG, run, SCENARIO_MS } from '../support/scenario.ts'
import { SlowDisk } from '../support/slow-disk.ts'

const cluster = new FaultyCluster(4)
const { network } = cluster

beforeAll(() => cluster.start(), 60_000)
afterAll(() => cluster.stop())

/** A scenario of this network. */
function through(name: string, seed: number, fault: (incident: Incident) => Promise<void>): Promise<void> {
  network.recount()
  return run({ cluster, name, seed, fault, heal: () => cluster.heal() })
}

/** Brings a fault about on these ways; returns when. */
function bring(fault: Fault, ways: readonly Way[]): number {
  network.set(ways, fault)
  return performance.now()
}

const everyWay = (ways: readonly Way[], met: keyof Way['counts']) => async (): Promise<boolean> =>
  ways.every(({ counts }) => counts[met] > 0)

describe('four nodes, one killed in the middle of it', { timeout: SCENARIO_MS }, () => {
  it('[COS-3] [NET-5] parted half from half: all can be read, nothing is final, and all of it is once they are joined', () =>
    through('half from half', 1, async ({ clients, last, reads, kill }) => {
      const ways = network.between([0, 1], [2, 3])
      const sinceMs = bring({ isBlocked: true }, ways)
      await until('every way holds something back', everyWay(ways, 'heldBytes'))
      await kill(2)
      await last(1500)
      await reads(sinceMs)
      expect(clients.count('accepted', sinceMs)).toBe(0)
    }))

  it('[COS-3] one that hears all and is heard by none: final there and tentative elsewhere, until it is heard', () =>
    through('one way', 2, async ({ clients, last, reads, kill }) => {
      const ways = network.from([0], [1, 2, 3])
      const sinceMs = bring({ isBlocked: true }, ways)
      await until('every way holds something back', everyWay(ways, 'heldBytes'))
      await until('it shows as final what is tentative elsewhere', async () =>
        [1, 2, 3].every(
          (node) =>
            clients.highest('final', 0) > clients.highest('final', node) &&
            clients.highest('tentative', node) >= clients.highest('final', 0),
        ),
      )
      await kill(1)
      await last(1500)
      await reads(sinceMs)
      expect(clients.count('accepted', sinceMs)).toBe(0)
    }))

  it('parted and joined again and again', () =>
    through('flapping', 3, async ({ last, reads, kill }) => {
      const ways = network.between([0, 1], [2, 3])
      const sinceMs = performance.now()
      for (let round = 0; round < 4; round += 1) {
        bring({ isCut: true }, ways)
        await last(350)
        if (round === 2) await kill(3)
        bring({}, ways)
        await last(350)
      }
      // Whoever dials has its connection reset, or is refused: each pair, from one side or the other.
      const met = ways.filter(({ counts }) => counts.resets + counts.refusals > 0)
      expect(met.length).toBeGreaterThanOrEqual(ways.length / 2)
      await reads(sinceMs)
    }))

  it('300 ms apart', () =>
    through('300 ms', 4, async ({ accepts, reads, kill }) => {
      const sinceMs = bring({ latencyMs: 300, jitterMs: 50 }, network.ways)
      await accepts(1, sinceMs)
      await kill(0)
      await accepts(3, sinceMs)
      await reads(sinceMs)
      await until('every way is slow', everyWay(network.ways, 'delayedBytes'))
    }))

  it('2 s apart: one that was killed connects again all the same, and signs', () =>
    through('2 s', 5, async ({ accepts, reads, kill }) => {
      const ways = IS_LONG ? network.ways : network.between([1], [0, 2, 3])
      const sinceMs = bring({ latencyMs: 2000, jitterMs: 100 }, ways)
      // To connect takes the time of four ways, a write that of five.
      await kill(1)
      await accepts(1, performance.now())
      await reads(sinceMs)
      await until('every way is slow', everyWay(ways, 'delayedBytes'))
    }))

  it('a fifth of all packets lost, and connections with them', () =>
    through('loss', 6, async ({ accepts, reads, kill }) => {
      const sinceMs = bring({ loss: 0.2, resets: 0.005 }, network.ways)
      await accepts(2, sinceMs)
      await kill(2)
      await accepts(5, sinceMs)
      await reads(sinceMs)
      await until('every way loses packets', everyWay(network.ways, 'lostPackets'))
    }))

  it('[COS-3] one stopped for a while: the others order on, and nothing is final without it', () =>
    through('stopped', 7, async ({ clients, reads, kill }) => {
      const stopped = cluster.node(3)
      const aside = await cluster.contract('aside', '{"field":"before"}')
      await stopped.suspend()
      const sinceMs = performance.now()
      try {
        const { body } = await cluster.node(0).put(aside, 'field', 'after', {
          prefer: 'wait=60, until=tentative',
        })
        expect(body, 'the others order on').toMatchObject({ stage: 'tentative', outcome: 'accepted' })
        await kill(0)
        await pause(IS_LONG ? 60_000 : 4000)
        await reads(sinceMs, [3])
        expect(clients.count('final', sinceMs, 3)).toBe(0)
        expect(clients.count('accepted', sinceMs)).toBe(0)
      } finally {
        stopped.resume()
      }
      await reads(sinceMs)
    }))

  it('one whose disk takes 20 writes a second', async (context) => {
    const disk = SlowDisk.open(cluster.root, 20)
    if (typeof disk === 'string') return context.skip(disk)
    try {
      await through('slow disk', 8, async ({ accepts, reads, kill }) => {
        const node = cluster.node(1)
        disk.hold(node.pid)
        const sinceMs = performance.now()
        await accepts(1, sinceMs)
        await kill(1)
        disk.hold(node.pid)
        await accepts(3, sinceMs)
        await reads(sinceMs)
        await until('it has waited for its disk', async () => disk.writes > 20)
        disk.heal()
      })
    } finally {
      disk.close()
    }
  })

  it('one whose disk takes 50 ms for whatever is to be on it', () =>
    through('slow syncs', 9, async ({ accepts, reads }) => {
      const sinceMs = performance.now()
      cluster.slowDown(cluster.node(2), 50)
      await accepts(6, sinceMs)
      await until('it has waited for its disk', async () => cluster.slowSyncs(cluster.node(2)) > 20)
      await reads(sinceMs)
    }))

  it.each(IS_LONG ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [1])(
    'whatever comes, one after another: seed %i',
    (seed) =>
      through(`weather ${seed}`, seed, (incident) =>
        weather(incident, new Random(seed), IS_LONG ? 30_000 : 4000),
      ),
  )
})

/** Faults of all kinds between some nodes and others, while nodes are killed and stopped. */
async function weather({ kill, reads }: Incident, random: Random, lastsMs: number): Promise<void> {
  const sinceMs = performance.now()
  const away = new Map<number, Promise<void>>()
  const leave = async (index: number, isKilled: boolean, ms: number): Promise<void> => {
    if (isKilled) await kill(index)
    else {
      await cluster.node(index).suspend()
      await pause(ms)
      cluster.node(index).resume()
    }
    away.delete(index)
  }
  while (performance.now() < sinceMs + lastsMs) {
    const faults: Fault[] = [
      { latencyMs: random.integer(10, 500), jitterMs: random.integer(0, 200) },
      { loss: 0.2, resets: 0.01 },
      { bytesPerSecond: random.integer(5000, 100_000) },
      { isBlocked: true },
      { isCut: true },
      {},
    ]
    const order = random.shuffled([0, 1, 2, 3])
    const some = order.splice(random.integer(1, 3))
    bring(
      random.pick(faults),
      random.pick([network.between(some, order), network.from(some, order), network.ways]),
    )
    const index = random.integer(0, 3)
    const isKilled = random.chance(0.6)
    const ms = random.integer(100, 1500)
    if (random.chance(0.4) && !away.has(index)) away.set(index, leave(index, isKilled, ms))
    await pause(random.integer(200, 1500))
  }
  await Promise.all(away.values())
  await reads(sinceMs)
}
