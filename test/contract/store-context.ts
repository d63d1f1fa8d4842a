/** A store under test, new for each test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { StateRecord, Store } from '../../src/store/store.ts'
import { World } from './store-world.ts'

/** An engine under test. `open` gives the store at a place (a path without an ending), the same each time for the same place. */
export type StoreEngine = { name: string; open(place: string): Store; openCopy(path: string): Store }

/** What a test has: an empty store, a contract to write into it, a folder of its own. */
export class StoreContext {
  readonly engine: StoreEngine
  folder = ''
  store!: Store
  world!: World

  constructor(engine: StoreEngine) {
    this.engine = engine
  }

  /** Has each test of the group that this is called in begin anew. */
  use(): void {
    beforeEach(() => {
      this.folder = mkdtempSync(join(tmpdir(), 'countersign-store-'))
      this.store = this.engine.open(join(this.folder, 'store'))
      this.world = new World('one')
    })
    afterEach(() => {
      this.store.close()
      rmSync(this.folder, { recursive: true, force: true })
    })
  }

  reopen(): void {
    this.store.close()
    this.store = this.engine.open(join(this.folder, 'store'))
  }

  /** The elements of the test's contract. */
  elements(height?: number): Map<string, StateRecord> {
    return new Map(this.store.elements(this.world.contract, height))
  }
}

/** The code of what is thrown; undefined if nothing is. */
export function refusal(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return undefined
}
