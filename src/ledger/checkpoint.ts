/**
 * Checkpoints and cosignatures (PROTOCOL CHK-1, CHK-2) in the formats of C2SP tlog-checkpoint and tlog-cosignature.
 */
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
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

/** timeS: the cosigner's clock in seconds, part of what is signed. */
export type Cosignature = { party: string; size: number; root: string; timeS: number; signature: string }

const cosignatureShape = shape.object({
  party: shape.hash,
  size: shape.integer(1),
  root: shape.hash,
  timeS: shape.integer(0, 253402300799),
  signature: shape.signature,
})

/** Checks the shape of a cosignature from outside. @throws CountersignError `bad-format` */
export function checkCosignatureShape(value: unknown): Cosignature {
  return cosignatureShape(value, 'cosignature') as Cosignature
}

/** The checkpoint of a ledger block; `root` is the log's root with this block in it. */
export function checkpointOf(header: Header, root: string): Checkpoint {
  const { contract, lineage, epoch, height, stateRoot } = header
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

export function cosign(cosignKey: PrivateKey, party: string, checkpoint: Checkpoint, timeS: number): Cosignature {
  const signature = ed25519Sign(cosignKey, cosignatureMessage(checkpointBody(checkpoint), timeS))
  return { party, size: checkpoint.size, root: checkpoint.root, timeS, signature: base64UrlEncode(signature) }
}

/** True if this is the member's cosignature (cosign key base64url) of exactly this checkpoint. */
export function cosignatureVerifies(cosignKey: string, checkpoint: Checkpoint, cosignature: Cosignature): boolean {
  if (cosignature.size !== checkpoint.size || cosignature.root !== checkpoint.root) return false
  const message = cosignatureMessage(checkpointBody(checkpoint), cosignature.timeS)
  return ed25519Verify(cosignKey, message, base64UrlDecode(cosignature.signature))
}

/** A signed note that stock C2SP tools read: the checkpoint with these cosignatures. Keys by party, base64url. */
export function checkpointNote(
  checkpoint: Checkpoint,
  cosignatures: readonly Cosignature[],
  cosignKeys: ReadonlyMap<string, string>,
): string {
  const lines = cosignatures.map(({ party, timeS, signature }) =>
    formatCosignatureLine(
      `countersign/${party}`,
      cosignKeys.get(party) as string,
      timeS,
      base64UrlDecode(signature),
    ),
  )
  return formatNote(checkpointBody(checkpoint), lines)
}
