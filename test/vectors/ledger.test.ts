/**
 * The formats of a ledger are frozen: other programs, and ledgers already signed, rely on every byte. A case that fails here
 * is a break of the protocol, to be undone; see make-ledger.ts for when it may be otherwise.
 */
import { describe, expect, it } from 'vitest'
import { jcs } from '../../src/crypto/jcs.ts'
import { type JsonValue, parseJson } from '../../src/crypto/json.ts'
import { sha256Hex } from '../../src/crypto/provider.ts'
import { cardHash, checkProvenCard, checkSignedCard, partyOf } from '../../src/identity/card.ts'
import { blockHash, checkBlockShape, type Effect, entriesRoot } from '../../src/ledger/block.ts'
import {
  certificateVerifies,
  checkCertificateShape,
  checkStatementShape,
  type Electorate,
  statementVerifies,
} from '../../src/ledger/certificate.ts'
import { checkCosignatureShape, cosignatureVerifies, sameCheckpoint } from '../../src/ledger/checkpoint.ts'
import { checkEvidenceShape, evidenceHolds, evidenceId } from '../../src/ledger/evidence.ts'
import { checkGenesis, contractId } from '../../src/ledger/genesis.ts'
import { checkRequest } from '../../src/ledger/request.ts'
import { commitmentOf, openingShape } from '../../src/ledger/value.ts'
import file from './ledger.json' with { type: 'json' }
import { ledgerVectors } from './ledger-vectors.ts'

/** SHA-256 of the file's canonical JSON: to change it, even to add to it, is a decision that shows here. */
const FROZEN = 'f0e5d76f714558ecea4cd01f14d0e51f88c627d65e07e1e7dc8d4aff22c1b250'

const made = ledgerVectors() as typeof file
const { genesis } = file.genesis
const contract = file.genesis.hash
const keysOf = (use: 'author' | 'vote' | 'cosign') =>
  new Map(checkGenesis(genesis).members.map(({ card }) => [partyOf(card), card.keys[use]]))
const electorate: Electorate = { contract, lineage: 0, epoch: 0, quorum: 2, voteKeys: keysOf('vote') }

describe('the frozen ledger', () => {
  it('[ENC-2] is the one that was frozen', () => {
    expect(sha256Hex(jcs(file))).toBe(FROZEN)
    expect(parseJson(JSON.stringify(file))).toEqual(file as unknown as JsonValue)
  })

  it.each([
    ['SIG-1', 'keys'],
    ['CARD-1', 'cards'],
    ['VAL-1', 'commitments'],
    ['GEN-1', 'genesis'],
    ['ELE-1', 'uids'],
    ['REQ-3', 'subtree'],
    ['REQ-1', 'requests'],
    ['BLK-1', 'blocks'],
    ['SIG-3', 'statements'],
    ['ORD-1', 'certificates'],
    ['CHK-2', 'checkpoints'],
    ['EVI-1', 'evidence'],
  ] as const)('[%s] is made again byte for byte: %s', (_, part) => {
    expect(made[part]).toEqual(file[part])
    expect(jcs(made[part])).toBe(jcs(file[part]))
  })

  it('[CARD-2] has cards that are taken, and party ids that are their hashes', () => {
    for (const { signed, hash } of file.cards) expect(cardHash(checkSignedCard(signed).card)).toBe(hash)
    const [first, second, other] = file.cards as [
      (typeof file.cards)[0],
      (typeof file.cards)[0],
      (typeof file.cards)[0],
    ]
    expect(partyOf(checkSignedCard(second.signed).card)).toBe(first.hash)
    for (const member of genesis.members) checkProvenCard(member)
    expect(genesis.members.map(({ card }) => partyOf(card as never))).toEqual([first.hash, other.hash])
  })

  it('[VAL-1] has openings of its commitments', () => {
    for (const { opening, hash } of file.commitments)
      expect(commitmentOf(openingShape(opening, 'opening'))).toBe(hash)
  })

  it('[GEN-1] has a genesis that is taken, and a contract id that is its hash', () => {
    expect(contractId(checkGenesis(genesis))).toBe(contract)
  })

  it('[REQ-1] has requests of its members', () => {
    const keys = keysOf('author')
    for (const { signed, hash } of file.requests)
      expect(checkRequest(signed, contract, (party) => keys.get(party)).id).toBe(hash)
  })

  it('[BLK-2] has ledger blocks that are taken', () => {
    for (const { block, effects, hash, entriesRoot: root } of file.blocks) {
      const { header, entries } = checkBlockShape(block)
      expect(blockHash(header)).toBe(hash)
      expect(entriesRoot(entries, effects as Effect[][])).toBe(root)
      expect(header.entriesRoot).toBe(root)
    }
  })

  it('[ORD-1] has statements and certificates that verify', () => {
    for (const { signed } of file.statements)
      for (const one of signed) expect(statementVerifies(electorate, checkStatementShape(one))).toBe(true)
    for (const one of file.certificates)
      expect(certificateVerifies(electorate, checkCertificateShape(one))).toBe(true)
  })

  it('[CHK-2] has cosignatures that verify, of its checkpoints', () => {
    const keys = keysOf('cosign')
    for (const { checkpoint, cosigned } of file.checkpoints)
      for (const { cosignature } of cosigned) {
        const one = checkCosignatureShape(cosignature)
        expect(cosignatureVerifies(keys.get(one.party) ?? '', contract, 0, one)).toBe(true)
        expect(sameCheckpoint(one, checkpoint)).toBe(true)
      }
  })

  it('[EVI-1] has evidence that holds', () => {
    for (const { evidence, hash } of file.evidence) {
      const one = checkEvidenceShape(evidence)
      expect(evidenceHolds(one, electorate, keysOf('cosign'))).toBe(true)
      expect(evidenceId(one)).toBe(hash)
    }
  })
})
