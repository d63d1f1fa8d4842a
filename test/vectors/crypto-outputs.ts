/** What the room crypto/ makes of the inputs in crypto.json, by kind of case. All bytes are hex unless a format says else. */
import { base64UrlDecode, hexDecode, hexEncode } from '../../src/crypto/bytes.ts'
import { hashJson, hashOf, signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { type JsonObject, type JsonValue, parseJson } from '../../src/crypto/json.ts'
import { generateKeyPair, generateSealingKeyPair, publicKeyToPem, toPem } from '../../src/crypto/keys.ts'
import {
  appendLeaf,
  consistencyProof,
  emptyFrontier,
  inclusionProof,
  leafHash,
  merkleRoot,
} from '../../src/crypto/log.ts'
import { emptyMerkleMap, mapProof } from '../../src/crypto/merkle-map.ts'
import {
  cosignatureMessage,
  formatCheckpoint,
  formatCosignatureLine,
  formatNote,
  formatVerifierKey,
  NOTE_COSIGNATURE_V1,
  noteKeyId,
} from '../../src/crypto/note.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { signStatements } from '../../src/crypto/statement.ts'

/** Entries as [uid, value hash]. */
type MapEntries = [string, string][]

const mapOf = (entries: MapEntries) =>
  entries.reduce(
    (map, [uid, hash]) => map.set(uid, hash),
    emptyMerkleMap<string>((_, hash) => hash),
  )

const leafHashes = (leaves: string[]) => leaves.map((leaf) => leafHash(hexDecode(leaf)))

// biome-ignore lint/suspicious/noExplicitAny: the input of each kind is what its cases in crypto.json hold
type Kind = (input: any) => unknown

/** One function for each `kind` in crypto.json, from a case's `input` to its `output`. */
export const OUTPUT_OF: Readonly<Record<string, Kind>> = {
  jcs: ({ json }: { json: string }) => jcs(parseJson(json)),
  hash: ({ domain, data }: { domain: string; data: string }) => hashOf(domain, hexDecode(data)),
  'hash-json': ({ domain, value }: { domain: string; value: JsonValue }) => hashJson(domain, value),
  'signing-input': ({ domain, data }: { domain: string; data: string }) =>
    hexEncode(signingInput(domain, hexDecode(data))),
  'signing-key': ({ seed }: { seed: string }) => {
    const { publicKey, privateKey } = generateKeyPair(hexDecode(seed))
    return { publicKey, privatePem: toPem(privateKey), publicPem: publicKeyToPem(publicKey) }
  },
  'sealing-key': ({ seed }: { seed: string }) => {
    const { publicKey, privateKey } = generateSealingKeyPair(hexDecode(seed))
    return { publicKey, privatePem: toPem(privateKey), publicPem: publicKeyToPem(publicKey, 'X25519') }
  },
  signature: ({ seed, domain, data }: { seed: string; domain: string; data: string }) =>
    hexEncode(
      ed25519Sign(generateKeyPair(hexDecode(seed)).privateKey, signingInput(domain, hexDecode(data))),
    ),
  statements: ({ seed, statements }: { seed: string; statements: JsonObject[] }) =>
    signStatements(generateKeyPair(hexDecode(seed)).privateKey, statements),
  log: ({ leaves }: { leaves: string[] }) => ({
    leafHashes: leafHashes(leaves),
    root: merkleRoot(leafHashes(leaves)),
    frontier: leafHashes(leaves).reduce(appendLeaf, emptyFrontier).hashes,
  }),
  inclusion: ({ leaves, index }: { leaves: string[]; index: number }) =>
    inclusionProof(leafHashes(leaves), index),
  consistency: ({ leaves, oldSize }: { leaves: string[]; oldSize: number }) =>
    consistencyProof(leafHashes(leaves), oldSize),
  'map-root': ({ entries }: { entries: MapEntries }) => mapOf(entries).root(),
  'map-proof': ({ entries, uid }: { entries: MapEntries; uid: string }) => mapProof(mapOf(entries), uid),
  checkpoint: (input: Parameters<typeof formatCheckpoint>[0]) => formatCheckpoint(input),
  cosignature: ({
    seed,
    name,
    body,
    timeSeconds,
  }: Record<'seed' | 'name' | 'body', string> & { timeSeconds: number }) => {
    const { publicKey, privateKey } = generateKeyPair(hexDecode(seed))
    const message = cosignatureMessage(body, timeSeconds)
    const line = formatCosignatureLine(name, publicKey, timeSeconds, ed25519Sign(privateKey, message))
    return {
      keyId: noteKeyId(name, NOTE_COSIGNATURE_V1, publicKey),
      verifierKey: formatVerifierKey(name, NOTE_COSIGNATURE_V1, publicKey),
      publicKey: hexEncode(base64UrlDecode(publicKey)),
      message: hexEncode(message),
      note: formatNote(body, [line]),
    }
  },
}
