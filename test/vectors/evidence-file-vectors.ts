/** Files of evidence (PROTOCOL EVI-5). */
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import { EpochLedger, elm, twoVotes } from './epoch-world.ts'
import { freezeOf, parted } from './freeze-world.ts'
import { type Input, json, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, type Holder, hashNamed, rekeyed } from './world.ts'

const { left } = parted(2, 1)
const { contract, genesis } = left
const everybody = [alder, birch, cedar, elm].map(({ party }) => party)
const votes = twoVotes(contract, birch)
const checkpoints: Evidence = {
  kind: 'two-checkpoints',
  party: birch.party,
  contract,
  lineage: 0,
  first: left.cosignature(birch),
  second: left.cosignature(birch, { ...left.checkpoint(), root: hashNamed('root') }),
}
const freezes: Evidence = {
  kind: 'two-freezes',
  party: cedar.party,
  contract,
  lineage: 0,
  first: freezeOf(left, cedar),
  second: freezeOf(left, cedar, [left.cosignature(cedar)]),
}
const file = (evidence: readonly unknown[], changes: object = {}) => ({
  type: 'evidence',
  version: 1,
  contract,
  exporter: alder.party,
  genesis,
  evidence,
  ...changes,
})
const birch2 = rekeyed(birch, 'birch 2')
const cards = (...holders: Holder[]) => ({ cards: holders.map(({ card }) => card) })

/** A contract whose genesis has Birch with its second card. */
const later = new EpochLedger('later', { members: [alder, birch2] })

const VALID: [name: string, about: string, value: object, trusted?: string[]][] = [
  ['good', 'One piece against one party.', file([votes])],
  ['of-two-kinds', 'Two pieces against one party.', file([votes, checkpoints])],
  ['against-two', 'Two parties.', file([freezes, votes])],
  ['twice', 'One piece stands there twice.', file([votes, votes])],
  ['of-a-later-lineage-and-epoch', 'Whichever they are of.', file([twoVotes(contract, birch, 3, 2)])],
  [
    'by-the-key-of-a-later-card',
    'The file holds the card that Birch had then.',
    file([twoVotes(contract, birch2, 1)], cards(birch2)),
  ],
  [
    'by-the-key-before-a-later-card',
    'By the card of the genesis, though it holds a later one.',
    file([votes], cards(birch2)),
  ],
  [
    'by-the-key-of-an-earlier-card',
    'The genesis has Birch with its second card; it signed with the keys of its first.',
    { ...file([twoVotes(later.contract, birch)]), contract: later.contract, genesis: later.genesis },
  ],
  [
    'against-who-came-later',
    'Its card stands in the file alone.',
    file([twoVotes(contract, elm, 1)], cards(elm)),
  ],
  [
    'accused-not-identified',
    'Birch is none of those who are trusted.',
    file([votes, freezes]),
    [alder.party, cedar.party],
  ],
  ['exporter-not-identified', 'Who wrote it makes no difference.', file([freezes]), [cedar.party]],
]

const INVALID: [name: string, about: string, rule: string, place: string, value: object][] = [
  [
    'genesis-of-another-contract',
    'It names another contract than its genesis makes.',
    'GEN-1',
    'genesis',
    file([votes], { contract: hashNamed('contract') }),
  ],
  [
    'genesis-altered',
    'The genesis has another time.',
    'GEN-1',
    'genesis',
    file([votes], { genesis: { ...genesis, timeMs: 1 } }),
  ],
  [
    'evidence-of-nothing',
    'The second piece is one VOTE twice.',
    'EVI-1',
    'evidence 2',
    file([freezes, { ...votes, second: votes.first }]),
  ],
  [
    'evidence-of-one-freeze',
    'One FREEZE twice.',
    'EVI-4',
    'evidence 1',
    file([{ ...freezes, second: freezes.first }]),
  ],
  [
    'evidence-about-another-contract',
    'It is about another contract.',
    'EVI-1',
    'evidence 1',
    file([twoVotes(hashNamed('contract'), birch)]),
  ],
  ['evidence-malformed', 'A word in place of evidence.', 'EVI-1', 'evidence 1', file(['guilty'])],
  [
    'by-a-key-that-no-card-has',
    'The card that Birch had then is not there.',
    'EVI-1',
    'evidence 1',
    file([twoVotes(contract, birch2)]),
  ],
  [
    'against-a-stranger',
    'No card of its party is there.',
    'EVI-5',
    'evidence 1',
    file([twoVotes(contract, elm)]),
  ],
  [
    'card-with-bad-signature',
    'A card has the signature of another.',
    'CARD-1',
    'card 1',
    file([votes], { cards: [{ ...elm.card, signature: alder.card.signature }] }),
  ],
  [
    'card-without-the-first',
    'A later card alone.',
    'CARD-2',
    'card 1',
    file([votes], { cards: [{ card: birch2.card.card, signature: birch2.card.signature }] }),
  ],
]

const UNREADABLE: [name: string, about: string, value: object][] = [
  ['version-2', 'A version that there is not.', file([votes], { version: 2 })],
  ['type-another', 'A file of another type.', file([votes], { type: 'bundle' })],
  ['with-unknown-key', 'A key that no such file has.', file([votes], { note: '' })],
  ['without-evidence', 'None in it.', file([])],
  ['with-no-cards-listed', 'A list of nothing is left out.', file([votes], { cards: [] })],
  ['contract-in-capitals', 'An id in capitals.', file([votes], { contract: contract.toUpperCase() })],
]

export function evidenceFileVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, value, trusted = everybody] of VALID)
    vectors.valid(name, about, { trusted }, json(value), outputsOf(value as ReturnType<typeof file>, trusted))
  const refuse = (name: string, about: string, input: Input, rule: string, place: string, verdict: string) =>
    vectors.add({
      name,
      about,
      context: { trusted: everybody },
      input,
      expect: { valid: false, rule, verdict, place },
    })
  for (const [name, about, rule, place, value] of INVALID)
    refuse(name, about, json(value), rule, place, 'invalid')
  for (const [name, about, value] of UNREADABLE)
    refuse(name, about, json(value), 'EVI-5', 'file', 'unreadable')
  const text = JSON.stringify(file([votes]))
  refuse('not-json', 'It is cut off.', { text: text.slice(0, -1) }, 'ENC-1', 'file', 'unreadable')
  const twice = text.replace('"exporter":', '"exporter":"","exporter":')
  refuse('duplicate-key', 'Its exporter stands there twice.', { text: twice }, 'ENC-1', 'file', 'unreadable')
  return vectors.all
}

/** Parties in the order they are first accused, each with the ids of all pieces against it. */
function outputsOf({ contract, evidence }: ReturnType<typeof file>, trusted: readonly string[]) {
  const accused = new Map<string, string[]>()
  for (const one of evidence as Evidence[])
    accused.set(one.party, [...(accused.get(one.party) ?? []), evidenceId(one)])
  const isKnown = [...accused.keys()].every((party) => trusted.includes(party))
  return {
    verdict: isKnown ? 'valid' : 'unidentified',
    contract,
    accused: [...accused].map(([party, ids]) => ({
      party,
      identified: trusted.includes(party),
      evidence: ids,
    })),
  }
}
