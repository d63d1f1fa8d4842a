/** What the node and its doors ask of a contract's elements: as they are, as they were, and what changed them. */
import type { AnyOperation } from '../ledger/request.ts'
import { entriesOf } from '../ledger/turn.ts'
import type { Database } from './database.ts'
import type { ContractReader } from './reads.ts'
import { bytesOf, hexOf, readRecord } from './rows.ts'
import type { ElementChange, ElementVersion, HeightRange, RequestRecord, StateRecord } from './store.ts'

/** Elements fetched at a time. */
const PAGE = 1000

/** Operations by which elements change that they do not name. */
const RULING: ReadonlySet<string> = new Set(['vote-on', 'publish', 'phase'])

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

  /** See Store.fileElements. By an index of its own, whose condition this is: other elements are not read for it. */
  files(): string[] {
    const rows = this.#database.all<{ uid: Uint8Array }>(
      `SELECT DISTINCT uid FROM element_version WHERE contract = ? AND instr(record, '"type":"file"') > 0`,
      this.#id,
    )
    return rows.map(({ uid }) => hexOf(uid))
  }

  /** See Store.elementHistory. */
  history(uid: string, { fromHeight, toHeight, limit, newest }: HeightRange = {}): ElementVersion[] {
    const rows = this.#database.all<{ height: number; record: string | null }>(
      `SELECT height, record FROM element_version WHERE contract = ? AND uid = ? AND height BETWEEN ? AND ?
       ORDER BY height ${newest ? 'DESC' : ''} LIMIT ?`,
      this.#id,
      bytesOf(uid),
      fromHeight ?? 0,
      toHeight ?? Number.MAX_SAFE_INTEGER,
      limit ?? -1,
    )
    if (newest) rows.reverse()
    return rows.map(({ height, record }) => {
      const version: ElementVersion = { height, record: record === null ? null : readRecord(uid, record) }
      const requests = this.#requestsBehind(uid, height, record === null)
      const request = requests.at(-1)
      if (request !== undefined) version.request = request
      if (requests.length > 1) version.requests = requests
      return version
    })
  }

  /** See Store.changedSince. */
  changedSince(height: number, limit: number): ElementChange[] | undefined {
    const rows = this.#database.all<{ uid: Uint8Array; record: string | null }>(
      `SELECT uid, (
         SELECT record FROM element_version AS version WHERE version.contract = ?1 AND version.uid = changed.uid
         AND version.height <= ?2 ORDER BY version.height DESC LIMIT 1
       ) AS record
       FROM (
         SELECT DISTINCT uid FROM element_version WHERE contract = ?1 AND height > ?2 ORDER BY uid LIMIT ?3
       ) AS changed`,
      this.#id,
      height,
      limit + 1,
    )
    if (rows.length > limit) return undefined
    return rows.map(({ uid, record }) => [
      hexOf(uid),
      record === null ? null : readRecord(hexOf(uid), record),
    ])
  }

  /** See Store.lastChange. */
  lastChange(uid: string): number | undefined {
    const row = this.#database.get<{ height: number | null }>(
      'SELECT max(height) AS height FROM element_version WHERE contract = ? AND uid = ?',
      this.#id,
      bytesOf(uid),
    )
    return row?.height ?? undefined
  }

  /** See Store.countVersions. */
  count(uid: string, fromHeight: number, toHeight: number): number {
    const row = this.#database.get<{ count: number }>(
      `SELECT count(*) AS count FROM element_version WHERE contract = ? AND uid = ? AND height BETWEEN ? AND ?`,
      this.#id,
      bytesOf(uid),
      fromHeight,
      toHeight,
    )
    return row?.count ?? 0
  }

  /** See Store.refusedRequests. */
  refused(
    uid: string,
    { fromHeight = 0, toHeight, limit, newest, afterPlace }: HeightRange & { afterPlace?: number } = {},
  ): RequestRecord[] {
    const order = newest ? 'DESC' : ''
    const rows = this.#database.all<{ hash: Uint8Array }>(
      `SELECT request.hash FROM request_outcome JOIN request ON request.id = request_outcome.request
       WHERE request_outcome.contract = ?1 AND request_outcome.outcome IN ('conflicted', 'rejected')
       AND request_outcome.height BETWEEN ?2 AND ?3 AND (request_outcome.height > ?2 OR request_outcome.place > ?4)
       AND instr(request.body, ?5) > 0
       ORDER BY request_outcome.height ${order}, request_outcome.place ${order}`,
      this.#id,
      fromHeight,
      toHeight ?? Number.MAX_SAFE_INTEGER,
      afterPlace ?? -1,
      uid,
    )
    const found: RequestRecord[] = []
    for (const { hash } of rows) {
      if (found.length === limit) break
      const record = this.#contract.request(hexOf(hash))
      if (record?.request.operations.some((operation) => isOn(operation, uid))) found.push(record)
    }
    return newest ? found.reverse() : found
  }

  /** The accepted requests of a height with an operation on this element or, if it was removed, on one above it. */
  #requestsBehind(uid: string, height: number, isRemoved: boolean): string[] {
    const uids = new Set(isRemoved ? this.#lineage(uid, height - 1) : [uid])
    const block = this.#contract.block(height)?.block
    const behind: string[] = []
    for (const { request: id, outcome } of block === undefined ? [] : entriesOf(block)) {
      // A UID in a request's text most often is no other's: the text is parsed only where it holds one of them.
      const isNamed = outcome === 'accepted' && [...uids].some((one) => this.#isInText(id, one))
      if (
        isNamed &&
        this.#contract
          .request(id)
          ?.request.operations.some((operation) => 'uid' in operation && uids.has(operation.uid))
      )
        behind.push(id)
    }
    return behind.length > 0 ? behind : this.#requestsRuling(uid, height)
  }

  /** Where none names it: those that rules changed it for, or else those that may have completed a vote, a draft or a phase. */
  #requestsRuling(uid: string, height: number): string[] {
    const block = this.#contract.block(height)?.block
    const accepted = (block === undefined ? [] : entriesOf(block)).filter(
      ({ outcome }) => outcome === 'accepted',
    )
    const computed = accepted.filter(({ results }) => results?.some(([, element]) => element === uid))
    if (computed.length > 0) return computed.map(({ request }) => request)
    return accepted
      .filter(({ request: id }) =>
        this.#contract.request(id)?.request.operations.some(({ op }) => RULING.has(op)),
      )
      .map(({ request }) => request)
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

/** Whether an operation names an element, or makes one below it. */
function isOn(operation: AnyOperation, uid: string): boolean {
  return ('uid' in operation && operation.uid === uid) || ('parent' in operation && operation.parent === uid)
}
