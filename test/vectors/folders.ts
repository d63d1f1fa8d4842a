/** All folders of vectors, each with what makes it. */

import { sha256Hex } from '../../src/crypto/provider.ts'
import { blockVectors } from './block-vectors.ts'
import { bundleVectors } from './bundle-vectors.ts'
import { cardVectors } from './card-vectors.ts'
import { certificateVectors } from './certificate-vectors.ts'
import { checkpointBundleVectors } from './checkpoint-bundle-vectors.ts'
import { checkpointVectors, cosignatureVectors } from './checkpoint-vectors.ts'
import { epochBlockVectors } from './epoch-block-vectors.ts'
import { epochBundleVectors } from './epoch-bundle-vectors.ts'
import { epochRequestVectors } from './epoch-request-vectors.ts'
import { evidenceFileVectors } from './evidence-file-vectors.ts'
import { evidenceVectors } from './evidence-vectors.ts'
import { freezeEvidenceVectors } from './freeze-evidence-vectors.ts'
import { freezeVectors } from './freeze-vectors.ts'
import { genesisVectors } from './genesis-vectors.ts'
import { jsonVectors } from './json-vectors.ts'
import { judgementBlockVectors } from './judgement-vectors.ts'
import { openingVectors } from './opening-vectors.ts'
import { privateBundleVectors, privateOpeningVectors, privateRequestVectors } from './private-vectors.ts'
import { requestVectors } from './request-vectors.ts'
import { resolveVectors } from './resolve-vectors.ts'
import { signatureVectors } from './signature-vectors.ts'
import { statementVectors } from './statement-vectors.ts'
import { fileText, type Vector } from './vector.ts'

export const FOLDERS: Readonly<Record<string, () => Vector[]>> = {
  json: jsonVectors,
  signature: signatureVectors,
  card: cardVectors,
  opening: () => [...openingVectors(), ...privateOpeningVectors()],
  request: () => [...requestVectors(), ...epochRequestVectors(), ...privateRequestVectors()],
  genesis: genesisVectors,
  'ledger-block': () => [...blockVectors(), ...epochBlockVectors(), ...judgementBlockVectors()],
  statement: statementVectors,
  certificate: certificateVectors,
  checkpoint: checkpointVectors,
  cosignature: cosignatureVectors,
  evidence: () => [...evidenceVectors(), ...freezeEvidenceVectors()],
  'evidence-file': evidenceFileVectors,
  freeze: freezeVectors,
  resolve: resolveVectors,
  bundle: () => [
    ...bundleVectors(),
    ...epochBundleVectors(),
    ...checkpointBundleVectors(),
    ...privateBundleVectors(),
  ],
}

/** The texts of all files, by their path below this folder. */
export function allFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const [folder, make] of Object.entries(FOLDERS))
    for (const vector of make()) {
      const path = `${folder}/${vector.name}.json`
      if (files.has(path)) throw new Error(`two vectors ${path}`)
      files.set(path, fileText(vector))
    }
  return files
}

/** What stands in SHA256SUMS: `sha256sum -c SHA256SUMS` reads it. */
export function checksums(files: ReadonlyMap<string, string>): string {
  const lines = [...files].map(([path, text]) => `${sha256Hex(text)}  ${path}\n`)
  return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join('')
}
