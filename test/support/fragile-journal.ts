/** A lock journal on a disk that fails (fragile-files.ts), and its process that ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CountersignError } from '../../src/crypto/errors.ts'
import { type Journal, openJournal } from '../../src/signer/journal.ts'
import { FragileFiles } from './fragile-files.ts'

export class FragileJournal {
  readonly directory = mkdtempSync(join(tmpdir(), 'countersign-faults-'))
  readonly files = new FragileFiles(this.directory)
  opened: Journal | undefined

  open(): Journal {
    this.opened = openJournal(this.directory, this.files)
    return this.opened
  }

  /** The process is gone, whatever state its files are in; its lock on the directory goes with it. */
  end(): void {
    try {
      this.opened?.close()
    } catch (error) {
      if (!this.files.stoodStill && !(error instanceof CountersignError)) throw error
    }
    this.opened = undefined
  }

  remove(): void {
    this.end()
    rmSync(this.directory, { recursive: true })
  }
}

export const record = (n: number): object => ({ n, padding: 'x'.repeat((n * 37) % 300) })
export const numbersOf = (records: object[]): unknown[] => records.map((one) => (one as { n: number }).n)
