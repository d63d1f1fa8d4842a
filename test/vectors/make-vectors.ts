/**
 * Writes the folders of vectors anew, and SHA256SUMS. To run it is a decision, not a step of the build: what stands in those
 * files is what other implementations are held to. A vector that changes is a break of the protocol; one that is added is not.
 * Who decides so also changes FROZEN in frozen.test.ts, and says why in the commit.
 *
 *   npx esbuild test/vectors/make-vectors.ts --bundle --platform=node --format=esm | node --input-type=module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { allFiles, checksums, FOLDERS } from './folders.ts'

const here = 'test/vectors'
const files = allFiles()
for (const folder of Object.keys(FOLDERS)) {
  rmSync(`${here}/${folder}`, { recursive: true, force: true })
  mkdirSync(`${here}/${folder}`)
}
for (const [path, text] of files) writeFileSync(`${here}/${path}`, text)
writeFileSync(`${here}/SHA256SUMS`, checksums(files))
