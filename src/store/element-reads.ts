/** What the node and its doors ask of a contract's elements: as they are, as they were, and what changed them. */
import { entriesOf } from '../ledger/turn.ts'
import type { Database } from './database.ts'
import type { ContractReader } from './reads.ts'
import { bytesOf, hexOf, readRecord } from './rows.ts'
import type { ElementVersion, StateRecord } from './store.ts'

/** Elements fetched at a time. */
const PAGE = 1000

/** Reads of one contract's elements, by its row id. */
export class ElementReader {
  readonly #database: Database
  readonly #id: number
  readonly #contract: ContractReader

  constructor(database: Database, id: number, contract: ContractReader) {
    this.#database = database
    this.#id = id
    this.#contract = contract
  }

  get #height(): number {
    const row = this.#database.get<{ height: number | null }>(
      'SELECT max(height) AS height FROM chain WHERE contract = ?',
      this.#id,
    )
    return row?.height ?? -1
  }

  /** See Store.elements. The height is that of the call, not of the first step. */
  elements(height: number = this.#height): Iterable<[uid: string, record: StateRecord]> {
    return this.#elementsAt(height)
  }

  *#elementsAt(height: number): Generator<[uid: string, record: StateRecord]> {
    // Steps from UID to UID, so that the length of their histories does not count.
    const page = `
      WITH RECURSIVE found (uid, n) AS (
        SELECT (SELECT min(uid) FROM element_version WHERE contract = ?1 AND uid > ?2), 1
        UNION ALL
        SELECT (SELECT min(uid) FROM element_version WHERE contract = ?1 AND uid > found.uid), n + 1
        FROM found WHERE found.uid IS NOT NULL AND n < ${PAGE}
      )
      SELECT uid, (
        SELECT record FROM element_version AS version WHERE version.contract = ?1 AND version.uid = found.uid
        AND version.height <= ?3 ORDER BY version.height DESC LIMIT 1
      ) AS record
      FROM found WHERE uid IS NOT NULL`
    let after: Uint8Array | undefined = new Uint8Array(0)
    while (after !== undefined) {
      const rows: { uid: Uint8Array; record: string | null }[] = this.#database.guard(() =>
        this.#database.all(page, this.#id, after as Uint8Array, height),
      )
      for (const { uid, record } of rows)
        if (record !== null) yield [hexOf(uid), readRecord(hexOf(uid), record)]
      after = rows.length < PAGE ? undefined : rows.at(-1)?.uid
    }
  }

  /** See Store.fileElements. */
  files(): string[] {
    const rows = this.#database.all<{ uid: Uint8Array }>(
      `SELECT DISTINCT uid FROM element_version WHERE contract = ? AND instr(record, '"type":"file"') > 0`,
      this.#id,
    )
    return rows.map(({ uid }) => hexOf(uid))
  }

  /** See Store.elementHistory. */
  history(uid: string): ElementVersion[] {
    const rows = this.#database.all<{ height: number; record: string | null }>(
      'SELECT height, record FROM element_version WHERE contract = ? AND uid = ? ORDER BY height',
      this.#id,
      bytesOf(uid),
    )
    return rows.map(({ height, record }) => {
      const version: ElementVersion = { height, record: record === null ? null : readRecord(uid, record) }
      const request = this.#requestBehind(uid, height, record === null)
      return request === undefined ? version : { ...version, request }
    })
  }

  /** The last accepted request of a height with an operation on this element or, if it was removed, on one above it. */
  #requestBehind(uid: string, height: number, isRemoved: boolean): string | undefined {
    const uids = new Set(isRemoved ? this.#lineage(uid, height - 1) : [uid])
    const block = this.#contract.block(height)?.block
    const accepted = (block === undefined ? [] : entriesOf(block)).filter(
      ({ outcome }) => outcome === 'accepted',
    )
    for (const { request: id } of accepted.reverse()) {
      // A UID in a request's text most often is no other's: the text is parsed only where it holds one of them.
      const isNamed = [...uids].some((one) => this.#isInText(id, one))
      if (
        isNamed &&
        this.#contract
          .request(id)
          ?.request.operations.some((operation) => 'uid' in operation && uids.has(operation.uid))
      )
        return id
    }
    return undefined
  }

  #isInText(id: string, text: string): boolean {
    const sql = 'SELECT 1 FROM request WHERE contract = ? AND hash = ? AND instr(body, ?) > 0'
    return this.#database.get(sql, this.#id, bytesOf(id), text) !== undefined
  }

  /** An element and those above it as of a height. */
  #lineage(uid: string, height: number): string[] {
    const lineage: string[] = []
    for (let at: unknown = uid; typeof at === 'string' && !lineage.includes(at); ) {
      lineage.push(at)
      const row = this.#database.get<{ record: string | null }>(
        `SELECT record FROM element_version WHERE contract = ? AND uid = ? AND height <= ?
         ORDER BY height DESC LIMIT 1`,
        this.#id,
        bytesOf(at),
        height,
      )
      at = row?.record == null ? undefined : readRecord(at, row.record).parent
    }
    return lineage
  }
}
