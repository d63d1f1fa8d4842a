/**
 * A party's keys at the signer. A contract takes in its party's new card by a turn, and goes by the former one until then, so
 * there may be several of a use; which is in force where, the contract says (CARD-2, EPO-2).
 */
import { CountersignError } from '../crypto/errors.ts'
import type { KeyPair } from '../crypto/keys.ts'
import { type SignatureCache, verifyStatement } from '../crypto/statement.ts'
import { checkStatementShape, type SignedStatement } from '../ledger/certificate.ts'
import { type Cosignature, checkCosignatureShape, cosignatureVerifies } from '../ledger/checkpoint.ts'
import { checkFreezeShape, freezeVerifies, type SignedFreeze } from '../ledger/freeze.ts'

export type SignerUse = 'author' | 'vote' | 'cosign'

/** Of each use one pair, or all that are still needed somewhere. */
export type SignerKeys = Readonly<Record<SignerUse, KeyPair | readonly KeyPair[]>>

/** Public keys (base64url) by use. */
export type PublicKeys = Readonly<Partial<Record<SignerUse, readonly string[]>>>

export class KeyRing {
  /** By public key. */
  readonly #pairs: Readonly<Record<SignerUse, ReadonlyMap<string, KeyPair>>>
  readonly #former: PublicKeys

  /** former: public keys of the party's former cards, so that what a key signed that is lost is still known for its own. */
  constructor(keys: SignerKeys, former: PublicKeys) {
    this.#pairs = {
      author: byPublicKey(keys.author),
      vote: byPublicKey(keys.vote),
      cosign: byPublicKey(keys.cosign),
    }
    this.#former = former
  }

  holds(use: SignerUse, publicKey: string): boolean {
    return this.#pairs[use].has(publicKey)
  }

  /** @throws CountersignError `key-missing` */
  pair(use: SignerUse, publicKey: string): KeyPair {
    const pair = this.#pairs[use].get(publicKey)
    if (pair) return pair
    throw new CountersignError(
      'key-missing',
      `this node does not have the ${use} key ${publicKey}, which the party’s card in force here names: restore its file ` +
        'from your backup of keys, or have the contract take in your newest card',
    )
  }

  #publicKeys(use: SignerUse): string[] {
    return [...new Set([...this.#pairs[use].keys(), ...(this.#former[use] ?? [])])]
  }

  /** @throws CountersignError `bad-format`, `wrong-contract`, `bad-signature` for what none of the party's keys signed there */
  checkStatement(contract: string, lineage: number, signed: SignedStatement, cache: SignatureCache): void {
    const { statement, signature } = checkStatementShape(signed)
    if (statement.contract !== contract || statement.lineage !== lineage)
      throw new CountersignError('wrong-contract', 'a statement told is of another contract or lineage')
    if (!this.#publicKeys('vote').some((key) => verifyStatement(key, statement, signature, cache)))
      throw new CountersignError('bad-signature', 'a statement told is not signed by this party')
  }

  /** The party's key that made a cosignature, its shape checked. */
  findKey(contract: string, lineage: number, cosignature: Cosignature): string | undefined {
    return this.#publicKeys('cosign').find((one) => cosignatureVerifies(one, contract, lineage, cosignature))
  }

  /** The party's key that made a cosignature. @throws CountersignError `bad-format`, `bad-signature` */
  keyOf(contract: string, lineage: number, cosignature: Cosignature): string {
    checkCosignatureShape(cosignature)
    const key = this.findKey(contract, lineage, cosignature)
    if (key === undefined)
      throw new CountersignError('bad-signature', 'the cosignature told is not this party’s')
    return key
  }

  /** Whether the party made a FREEZE, its shape checked. */
  madeFreeze(contract: string, lineage: number, party: string, freeze: SignedFreeze): boolean {
    const { statement } = freeze
    const isHere = statement.contract === contract && statement.lineage === lineage
    return (
      isHere &&
      statement.party === party &&
      this.#publicKeys('cosign').some((key) => freezeVerifies(key, freeze))
    )
  }

  /** @throws CountersignError `bad-format`, `wrong-contract`, `bad-signature` */
  checkFreeze(contract: string, lineage: number, party: string, freeze: SignedFreeze): void {
    const { statement } = checkFreezeShape(freeze)
    if (statement.contract !== contract || statement.lineage !== lineage)
      throw new CountersignError('wrong-contract', 'the FREEZE told is of another contract or lineage')
    if (!this.madeFreeze(contract, lineage, party, freeze))
      throw new CountersignError('bad-signature', 'the FREEZE told is not signed by this party')
  }
}

function byPublicKey(pairs: KeyPair | readonly KeyPair[]): ReadonlyMap<string, KeyPair> {
  const all: readonly KeyPair[] = 'publicKey' in pairs ? [pairs] : pairs
  return new Map(all.map((pair) => [pair.publicKey, pair]))
}
