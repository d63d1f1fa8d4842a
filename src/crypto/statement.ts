/**
 * Batch signatures: one Ed25519 signature over many statements, each still checkable by itself (PROTOCOL SIG-3).
 *
 * Leaf i of an RFC 6962 tree is statement i's canonical JSON; what is signed is "countersign/v1/statements\n" ‖ root. A
 * statement's signature is that one signature and the path from its leaf to the root. The signature binds the statement, and
 * that the signer meant it; it does not bind the statement's place in the batch, so take no meaning from `index` or `size`.
 */
import { base64UrlDecode, base64UrlEncode, hexDecode } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { signingInput } from './hash.ts'
import { jcs } from './jcs.ts'
import { LogTree, leafHash, rootOfInclusion } from './log.ts'
import { ed25519Sign, ed25519Verify, type PrivateKey } from './provider.ts'

/** The most statements that one signature covers. */
export const BATCH_MAX_SIZE = 65_536

/**
 * A signature on one statement. signature: base64url of 64 bytes; batch: the statement's place in a batch of two or more, and
 * its RFC 6962 inclusion path as hashes; absent for a statement signed alone.
 */
export type StatementSignature = {
  signature: string
  batch?: { index: number; size: number; path: string[] }
}

/** A statement to be signed: a JSON object. */
export type SignableStatement = Readonly<Record<string, unknown>>

/**
 * Signs 1 to 65,536 statements at once; the signatures come in the order of the statements.
 * @throws CountersignError `too-large` for more or none, `bad-json` for what is no JSON object
 */
export function signStatements(
  privateKey: PrivateKey,
  statements: readonly SignableStatement[],
): StatementSignature[] {
  const size = statements.length
  if (size < 1 || size > BATCH_MAX_SIZE)
    throw new CountersignError(
      'too-large',
      `a batch has 1 to ${BATCH_MAX_SIZE} statements, not ${size}; split it`,
    )
  const tree = new LogTree(statements.map(statementHash))
  const signature = base64UrlEncode(ed25519Sign(privateKey, rootInput(tree.root())))
  if (size === 1) return [{ signature }]
  return statements.map((_, index) => ({
    signature,
    batch: { index, size, path: tree.inclusionProof(index) },
  }))
}

/** True if `sig` is the signature on `statement` by one of these keys: what it says is hashed once. */
export function verifyStatementByAny(
  publicKeys: readonly string[],
  statement: SignableStatement,
  sig: StatementSignature,
): boolean {
  try {
    const root = rootOf(statement, sig.batch)
    if (root === undefined || typeof sig.signature !== 'string') return false
    const [input, signature] = [rootInput(root), base64UrlDecode(sig.signature, 64)]
    return publicKeys.some((key) => ed25519Verify(key, input, signature))
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

/**
 * True if `sig` is the signature on `statement` by `publicKey` (base64url of 32 bytes); false for anything malformed. With a
 * cache, the statements of one batch cost one Ed25519 check together.
 */
export function verifyStatement(
  publicKey: string,
  statement: SignableStatement,
  sig: StatementSignature,
  cache?: SignatureCache,
): boolean {
  try {
    const root = rootOf(statement, sig.batch)
    if (root === undefined || typeof sig.signature !== 'string') return false
    if (cache?.has(publicKey, root, sig.signature)) return true
    if (!ed25519Verify(publicKey, rootInput(root), base64UrlDecode(sig.signature, 64))) return false
    cache?.add(publicKey, root, sig.signature)
    return true
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

function rootOf(statement: SignableStatement, batch: StatementSignature['batch']): string | undefined {
  const leaf = statementHash(statement)
  if (batch === undefined) return leaf
  // A batch of one is signed without `batch`: one form for each signature.
  if (batch === null || typeof batch !== 'object' || !(batch.size >= 2 && batch.size <= BATCH_MAX_SIZE))
    return undefined
  return rootOfInclusion(leaf, batch.index, batch.size, batch.path)
}

function statementHash(statement: SignableStatement): string {
  if (Array.isArray(statement) || typeof statement !== 'object' || statement === null)
    throw new CountersignError('bad-json', 'a statement is a JSON object')
  return leafHash(jcs(statement))
}

function rootInput(root: string): Uint8Array {
  return signingInput('statements', hexDecode(root, 32))
}

/**
 * Remembers signatures that were found good, up to `capacity`, the oldest leaving first. Callers own it and pass it in; it
 * only ever saves work, never changes an answer.
 */
export class SignatureCache {
  readonly #capacity: number
  readonly #good = new Set<string>()

  constructor(capacity = 16_384) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#good.size
  }

  /** Whether this signature (base64url) by this key (base64url) on this root (hex) is known to be good. */
  has(publicKey: string, root: string, signature: string): boolean {
    return this.#good.has(`${publicKey} ${root} ${signature}`)
  }

  /** To be called only with what `ed25519Verify` has just accepted. */
  add(publicKey: string, root: string, signature: string): void {
    if (this.#good.size >= this.#capacity) {
      const oldest = this.#good.values().next()
      if (!oldest.done) this.#good.delete(oldest.value)
    }
    if (this.#capacity > 0) this.#good.add(`${publicKey} ${root} ${signature}`)
  }
}
