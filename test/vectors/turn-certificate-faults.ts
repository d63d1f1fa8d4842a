import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import { alder2, silent } from './change-story.ts'
import { type EpochLedger, elm, fir } from './epoch-world.ts'
import { type Fault, saying, unfounded } from './turn-faults.ts'
import { alder, birch, cedar, DAY_MS, hashNamed } from './world.ts'

/** It comes in by a turn with another certificate. */
const certified = (alter: (right: Cosignature[], ledger: EpochLedger) => Cosignature[]) =>
  saying(({ certificate }, ledger) => ({ certificate: alter(certificate, ledger) }))
/** A cosignature of Birch in the place of its own. */
const ofBirch = (make: (ledger: EpochLedger) => Cosignature) =>
  certified((right, ledger) => right.map((one) => (one.party === birch.party ? make(ledger) : one)))

export const CERTIFICATE_FAULTS: Fault[] = [
  [
    'turn-without-a-cosignature',
    'A member has not cosigned.',
    'EPO-9',
    certified((right) => right.toSpliced(1, 1)),
  ],
  [
    'turn-without-that-of-who-comes-in',
    'It has not cosigned.',
    'EPO-9',
    certified((right) => right.slice(0, 3)),
  ],
  ['turn-without-certificate', 'Nobody has cosigned.', 'EPO-9', certified(() => [])],
  [
    'turn-certified-in-another-order',
    'Who comes in stands first.',
    'EPO-9',
    certified((right) => [...right.slice(3), ...right.slice(0, 3)]),
  ],
  [
    'turn-certified-twice-by-one',
    'A member stands there twice.',
    'EPO-9',
    certified((right) => [...right.slice(0, 1), ...right]),
  ],
  [
    'turn-certified-by-a-stranger-too',
    'One that is not in has cosigned as well.',
    'EPO-9',
    certified((right, l) => [...right, l.cosignature(fir)]),
  ],
  [
    'turn-certified-by-who-leaves',
    'It is not of the next epoch.',
    'EPO-9',
    (l) => {
      l.do(l.leave(cedar))
      const right = l.turnEntry()
      l.turn(right, {}, { ...right, certificate: [...right.certificate, l.cosignature(cedar)] })
    },
  ],
  [
    'turn-certified-with-bad-signature',
    'A member has the signature of another.',
    'EPO-9',
    ofBirch((l) => ({ ...l.cosignature(birch), signature: l.cosignature(alder).signature })),
  ],
  [
    'turn-certified-by-another-key',
    'The vote key has signed.',
    'EPO-9',
    ofBirch((l) => l.cosignature({ ...birch, keys: { ...birch.keys, cosign: birch.keys.vote } })),
  ],
  [
    'turn-certified-by-the-former-key',
    'A new card is cosigned for with its own key.',
    'EPO-9',
    (l) => {
      const right = l.turnEntry(l.rekey(alder2))
      l.turn(right, {}, { ...right, certificate: [l.cosignature(alder), ...right.certificate.slice(1)] })
    },
  ],
  [
    'turn-certified-by-the-key-of-a-card-to-come',
    'Another turn is to bring it.',
    'EPO-9',
    (l) => {
      const elms = l.decide(elm)
      l.rekey(alder2)
      const right = l.turnEntry(elms)
      l.turn(right, {}, { ...right, certificate: [l.cosignature(alder2), ...right.certificate.slice(1)] })
    },
  ],
  [
    'turn-certified-too-early',
    'A member has cosigned the ledger before the block that completed the change.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, l.checkpoint(l.height - 1))),
  ],
  [
    'turn-certified-too-early-by-who-comes-in',
    'Another change was decided behind what it has cosigned.',
    'EPO-9',
    (l) => {
      const change = l.decide(elm)
      const early = l.cosignature(elm)
      l.rekey(alder2)
      const right = l.turnEntry(change)
      l.turn(right, {}, { ...right, certificate: [...right.certificate.slice(0, 3), early] })
    },
  ],
  [
    'turn-certified-on-another-root',
    'A member has cosigned another history.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), root: hashNamed('root') })),
  ],
  [
    'turn-certified-on-another-state',
    'A member has cosigned another state.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), stateRoot: hashNamed('state') })),
  ],
  [
    'turn-certified-in-another-epoch',
    'A member has cosigned a checkpoint of the next epoch.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), epoch: 1 })),
  ],
  [
    'turn-certified-in-another-lineage',
    'A member has signed it for another lineage.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), lineage: 1 })),
  ],
  [
    'turn-certified-in-another-contract',
    'A member has signed it for another contract.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), contract: hashNamed('contract') })),
  ],
  [
    'turn-certified-past-the-ledger',
    'A member has cosigned a ledger with this very block.',
    'EPO-9',
    ofBirch((l) => l.cosignature(birch, { ...l.checkpoint(), size: l.height + 2 })),
  ],
  [
    'turn-without-who-is-not-silent',
    'A millisecond less than is agreed.',
    'EPO-9',
    (l) => silent(l, DAY_MS - 1),
    { silenceMs: DAY_MS },
  ],
  ['turn-without-who-may-not-be', 'No silence is agreed.', 'EPO-9', (l) => silent(l, 9 * DAY_MS)],
  [
    'turn-without-who-comes-in-that-is-silent',
    'It is not a member yet.',
    'EPO-9',
    (l) => {
      const change = l.decide(elm)
      const timeMs = l.tip.block.header.timeMs + DAY_MS
      const right = l.turnEntry(change, l.height, timeMs)
      l.turn(right, { timeMs }, { ...right, certificate: right.certificate.slice(0, 3) })
    },
    { silenceMs: DAY_MS },
  ],
  [
    'turn-without-whose-key-changes',
    'However silent, it has to show its new key.',
    'EPO-9',
    (l) => {
      const change = l.rekey(alder2)
      const timeMs = l.tip.block.header.timeMs + DAY_MS
      const right = l.turnEntry(change, l.height, timeMs)
      l.turn(right, { timeMs }, { ...right, certificate: right.certificate.slice(1) })
    },
    { silenceMs: DAY_MS },
  ],
  [
    'turn-right-behind-a-turn',
    'Nobody can have cosigned a block of the epoch that ends: there is none yet.',
    'EPO-9',
    unfounded((l) => {
      const elms = l.decide(elm)
      const firs = l.decide(fir)
      l.turn(l.turnEntry(elms))
      return l.turnEntry(firs)
    }),
  ],
]
