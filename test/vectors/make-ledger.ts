/**
 * Writes test/vectors/ledger.json anew. To run it is a decision, not a step of the build: what stands in that file is what
 * ledgers already signed and other programs rely on. A change there breaks them, unless it only adds a format that nobody
 * has signed yet. Who decides so also changes FROZEN in ledger.test.ts, and says why in the commit.
 *
 *   npx esbuild test/vectors/make-ledger.ts --bundle --platform=node --format=esm | node --input-type=module
 */
import { writeFileSync } from 'node:fs'
import { ledgerVectors } from './ledger-vectors.ts'

writeFileSync('test/vectors/ledger.json', `${JSON.stringify(ledgerVectors(), null, 1)}\n`)
