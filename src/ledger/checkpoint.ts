/**
 * Checkpoints and cosignatures (PROTOCOL CHK-1, CHK-2) in the formats of C2SP tlog-checkpoint and tlog-cosignature.
 */
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { PrivateKey } from '../crypto/keys.ts'
import { cosignatureMessage, formatCheckpoint, formatCosignatureLine, formatNote } from '../crypto/note.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/provider.ts'
import * as shape from '../crypto/shape.ts'
import { blockHash, type Header } from './block.ts'

/** The ledger up to and with one block: what a member cosigns. `root` is the log's, of `size` leaves. */
export type Checkpoint = {
  contract: string
  lineage: number
  epoch: number
  size: number
  root: string
  block: string
  stateRoot: string
}

/** A checkpoint without contract and lineage: of the ledger of which it is spoken. */
export type LedgerPoint = Omit<Checkpoint, 'contract' | 'lineage'>

/**
 * A member's cosignature with what is signed: the checkpoint but for contract and lineage, so that it can be checked
 * before the ledger blocks it covers are held. timeS: the cosigner's clock in seconds, signed as well.
 */
export type Cosignature = {
  party: string
  epoch: number
  size: number
  root: string
  block: string
  stateRoot: string
  timeS: number
  /** base64url */
  signature: string
}

const pointParts = {
  epoch: shape.integer(0),
  size: shape.integer(1),
  root: shape.hash,
  block: shape.hash,
  stateRoot: shape.hash,
}
/** Checks the form of a point. @throws CountersignError `bad-format` */
export const pointShape: shape.Check<LedgerPoint> = shape.object(pointParts)

const cosignatureShape = shape.object({
  ...pointParts,
  party: shape.hash,
  timeS: shape.integer(0, 253402300799),
  signature: shape.signature,
})

/** Checks the shape of a cosignature from outside. @throws CountersignError `bad-format` */
export function checkCosignatureShape(value: unknown): Cosignature {
  return cosignatureShape(value, 'cosignature') as Cosignature
}

/**
 * The checkpoint of a ledger block; `root` is the log's root with this block in it. lineage: another than the block's where
 * it is what the lineage began with.
 */
export function checkpointOf(header: Header, root: string, lineage: number = header.lineage): Checkpoint {
  const { contract, epoch, height, stateRoot } = header
  return { contract, lineage, epoch, size: height + 1, root, block: blockHash(header), stateRoot }
}

/** The checkpoint as C2SP text. */
export function checkpointBody(checkpoint: Checkpoint): string {
  return formatCheckpoint({
    origin: `countersign/${checkpoint.contract}/${checkpoint.lineage}`,
    size: checkpoint.size,
    rootHash: checkpoint.root,
    extensions: [`epoch ${checkpoint.epoch}`, `block ${checkpoint.block}`, `state ${checkpoint.stateRoot}`],
  })
}

export function cosign(
  cosignKey: PrivateKey,
  party: string,
  checkpoint: Checkpoint,
  timeS: number,
): Cosignature {
  const signature = ed25519Sign(cosignKey, cosignatureMessage(checkpointBody(checkpoint), timeS))
  const { epoch, size, root, block, stateRoot } = checkpoint
  return { party, epoch, size, root, block, stateRoot, timeS, signature: base64UrlEncode(signature) }
}

/** The checkpoint a cosignature is on. */
export function cosignedCheckpoint(contract: string, lineage: number, cosignature: Cosignature): Checkpoint {
  const { epoch, size, root, block, stateRoot } = cosignature
  return { contract, lineage, epoch, size, root, block, stateRoot }
}

/** True if the cosignature is by this cosign key (base64url) in this contract and lineage, on the checkpoint it names. */
export function cosignatureVerifies(
  cosignKey: string,
  contract: string,
  lineage: number,
  cosignature: Cosignature,
): boolean {
  const body = checkpointBody(cosignedCheckpoint(contract, lineage, cosignature))
  return ed25519Verify(
    cosignKey,
    cosignatureMessage(body, cosignature.timeS),
    base64UrlDecode(cosignature.signature),
  )
}

/** True if both are on one history at one size, in every line. Contract and lineage are the caller's to compare. */
export function sameCheckpoint(a: Checkpoint | Cosignature, b: Checkpoint | Cosignature): boolean {
  return (
    a.size === b.size &&
    a.root === b.root &&
    a.block === b.block &&
    a.stateRoot === b.stateRoot &&
    a.epoch === b.epoch
  )
}

/**
 * A signed note that stock C2SP tools read: the checkpoint with these cosignatures of it. Keys by party, base64url.
 * @throws CountersignError `unknown-party`
 */
export function checkpointNote(
  checkpoint: Checkpoint,
  cosignatures: readonly Cosignature[],
  cosignKeys: ReadonlyMap<string, string>,
): string {
  const lines = cosignatures.map(({ party, timeS, signature }) => {
    const key = cosignKeys.get(party)
    if (key === undefined)
      throw new CountersignError('unknown-party', `no cosign key of ${party} is known here`)
    return formatCosignatureLine(`countersign/${party}`, key, timeS, base64UrlDecode(signature))
  })
  return formatNote(checkpointBody(checkpoint), lines)
}
