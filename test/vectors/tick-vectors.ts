/** Ledger blocks that are TICKs (PROTOCOL EPO-14). */
import { type Part, refuseBlock, takeBlock } from './block-parts.ts'
import { fresh, inviting } from './change-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import type { Vectors } from './vector.ts'
import { alder, birch, DAY_MS, hashNamed, rekeyed } from './world.ts'

/** An invitation that lapses in a day; gives the first time at which it has. */
function lapsing(ledger: EpochLedger, more: object = {}): number {
  const expiresMs = ledger.timeMs + DAY_MS
  inviting(ledger, { expiresMs, ...more })
  return expiresMs + 1
}

const TICKS: [name: string, about: string, make: (ledger: EpochLedger) => unknown][] = [
  [
    'tick',
    'At the first time at which something has lapsed; nothing is open after it.',
    (l) => l.tick({ timeMs: lapsing(l) }),
  ],
  ['tick-later', 'Later it is valid as well.', (l) => l.tick({ timeMs: lapsing(l) + 30 * DAY_MS })],
  [
    'tick-of-what-was-decided',
    'A card that no turn has brought.',
    (l) => {
      const expiresMs = l.timeMs + DAY_MS
      l.do(l.newCard(birch, rekeyed(alder, 'alder 2'), { expiresMs }))
      l.tick({ timeMs: expiresMs + 1 })
    },
  ],
  [
    'tick-of-two-of-four',
    'A leaving and a policy stay.',
    (l) => {
      const dueMs = lapsing(l)
      l.do(l.leave(birch), l.newPolicy(alder), l.invite(alder, fir, { expiresMs: dueMs - 1 }))
      l.tick({ timeMs: dueMs })
    },
  ],
  [
    'after-a-tick',
    'The party may be invited again.',
    (l) => {
      l.tick({ timeMs: lapsing(l) })
      l.do(l.invite(birch, elm))
    },
  ],
]

const FAULTS: [
  name: string,
  about: string,
  rule: string,
  make: (ledger: EpochLedger) => unknown,
  alter?: (part: Part) => unknown,
][] = [
  [
    'tick-too-early',
    'At the very time of expiry nothing has lapsed.',
    'EPO-14',
    (l) => l.unchanged([{ kind: 'tick' }], { timeMs: lapsing(l) - 1 }),
  ],
  ['tick-of-nothing', 'Nothing is open.', 'EPO-14', (l) => l.unchanged([{ kind: 'tick' }])],
  [
    'tick-of-a-leaving',
    'A leaving does not lapse.',
    'EPO-14',
    (l) => {
      l.do(l.leave(birch))
      l.unchanged([{ kind: 'tick' }], { timeMs: l.timeMs + 400 * DAY_MS })
    },
  ],
  [
    'tick-again',
    'Nothing more has lapsed.',
    'EPO-14',
    (l) => {
      l.tick({ timeMs: lapsing(l) })
      l.unchanged([{ kind: 'tick' }])
    },
  ],
  [
    'tick-twice',
    'Two entries.',
    'EPO-14',
    (l) => l.unchanged([{ kind: 'tick' }, { kind: 'tick' }], { timeMs: lapsing(l) }),
  ],
  [
    'tick-beside-a-request',
    'Two entries.',
    'EPO-14',
    (l) => {
      const entry = { kind: 'request', request: hashNamed('request'), outcome: 'accepted' }
      l.unchanged([{ kind: 'tick' }, entry], { timeMs: lapsing(l) })
    },
  ],
  [
    'tick-with-a-request',
    'A request stands beside it.',
    'EPO-14',
    (l) => l.tick({ timeMs: lapsing(l) }),
    (part) => {
      const other = fresh()
      const { request, signature } = other.ask(other.leave(birch))
      part.requests.push({ request, signature })
    },
  ],
  [
    'tick-with-an-opening',
    'An opening stands beside it.',
    'EPO-14',
    (l) => l.tick({ timeMs: lapsing(l) }),
    (part) => part.openings.push(...fresh().genesisOpenings),
  ],
  [
    'tick-that-leaves-what-lapsed',
    'The state is as before.',
    'STA-1',
    (l) => {
      const timeMs = lapsing(l)
      const { stateRoot } = l.tip.block.header
      l.tick({ timeMs, header: (right) => ({ ...right, stateRoot }) })
    },
  ],
  [
    'tick-without-its-effects',
    'The root is over the entry without its effects.',
    'BLK-2',
    (l) => {
      const timeMs = lapsing(l)
      const { entriesRoot } = fresh().unchanged([{ kind: 'tick' }]).block.header
      l.tick({ timeMs, header: (right) => ({ ...right, entriesRoot }) })
    },
  ],
  [
    'accept-after-a-tick',
    'The invitation has left the record: its party is a stranger again.',
    'REQ-6',
    (l) => {
      const expiresMs = l.timeMs + DAY_MS
      const change = inviting(l, { expiresMs })
      l.tick({ timeMs: expiresMs + 1 })
      l.do(l.accept(elm, change))
    },
  ],
]

export function tickVectors(vectors: Vectors): void {
  for (const [name, about, make] of TICKS) {
    const ledger = fresh()
    make(ledger)
    takeBlock(vectors, name, about, ledger)
  }
  for (const [name, about, rule, make, alter] of FAULTS) {
    const ledger = fresh()
    make(ledger)
    refuseBlock(vectors, name, about, ledger, rule, alter)
  }
}
