/**
 * Files of field values at one node: kept once by their hash, asked of the other parties of the contracts whose states name them,
 * and given to those that are due them (PROTOCOL FIL-1 to FIL-7). Runs beside the contracts' turns, which never wait for it.
 */
import type { Readable } from 'node:stream'
import { CountersignError } from '../../crypto/errors.ts'
import type { Notice } from '../outbox.ts'
import type { Replica } from '../replica.ts'
import { FILE_LIMITS, type FileLimits, type FilesContext, type FilesOptions } from './context.ts'
import { Fetching } from './fetching.ts'
import { checkFileMessage, type FileMessage, HASHES_MAX, isFileMessage } from './file-messages.ts'
import { type FileId, FileStore } from './file-store.ts'
import { NamedFiles } from './named-files.ts'
import { Serving } from './serving.ts'

/** Under which setting of the store it is kept that a contract's parties may have a file that is here. */
const settingOf = (contract: string, { hash }: FileId): string => `file ${contract} ${hash}`

export class Files implements FilesContext {
  readonly options: FilesOptions
  readonly limits: FileLimits
  readonly disk: FileStore
  readonly named: NamedFiles
  readonly #serving: Serving
  readonly #fetching: Fetching
  readonly #stopListening: () => void

  /** Reads what the contracts name, and removes what has come so far of files that none names. */
  constructor(options: FilesOptions) {
    this.options = options
    this.limits = { ...FILE_LIMITS, ...options.limits }
    this.disk = new FileStore(options.directory)
    this.named = new NamedFiles(options.store, options.self)
    this.#serving = new Serving(this)
    this.#fetching = new Fetching(this, (contract, id) => this.#done(contract, id))
    for (const replica of options.replicas.values()) this.#readAnew(replica)
    this.disk.dropPartials(({ hash }) =>
      [...options.replicas.keys()].some((contract) => this.named.has(contract, hash)),
    )
    this.#stopListening = options.subscribe((notice) => this.#noticed(notice))
  }

  // ── what doors ask ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes in a file that is to be named by a value. @throws CountersignError as `FileStore.receive` */
  receive(source: Readable): Promise<FileId> {
    return this.disk.receive(source)
  }

  /** Who says that it holds a file that a contract names: members and observers, this party first if it does. */
  heldBy(replica: Replica, id: FileId): string[] {
    const told = this.#fetching.holders(replica.contract, id.hash)
    const own = this.disk.has(id) ? [this.options.self] : []
    return [...own, ...partiesOf(replica).filter((party) => told.has(party))]
  }

  // ── what peers say ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes out of messages those about files, and returns the others. */
  take<M extends { type?: unknown }>(party: string, messages: readonly M[]): readonly M[] {
    if (!messages.some(isFileMessage)) return messages
    return messages.filter((message) => {
      if (!isFileMessage(message)) return true
      try {
        this.#takeOne(party, checkFileMessage(message))
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        this.options.log('warn', 'message-refused', { party, code: error.code, reason: error.message })
      }
      return false
    })
  }

  #takeOne(party: string, message: FileMessage): void {
    switch (message.type) {
      case 'FILE-ASK':
        this.#serving.tellHeld(party, message)
        break
      case 'FILE-GET':
      case 'FILE-PROVE':
        this.#serving.take(party, message)
        break
      case 'FILE-HELD':
        if (this.options.replicas.get(message.contract)?.roster.isHeard(party) === true)
          this.#fetching.told(party, message)
        break
      case 'FILE-PART':
        this.#fetching.takePart(party, message)
        break
      case 'FILE-PROOF':
        this.#fetching.takeProof(party, message)
        break
      case 'FILE-NONE':
        this.#fetching.takeNone(party, message)
        break
    }
  }

  /** It is asked what it holds, and told what is held here: what was said while it could not be reached is lost. */
  peerUp(party: string): void {
    for (const replica of this.options.replicas.values()) {
      if (!replica.roster.isHeard(party)) continue
      const { contract } = replica
      const ids = [...this.named.all(contract)]
      this.#fetching.ask(replica, hashesOf(ids), party)
      this.#tell(contract, hashesOf(ids.filter((id) => this.isShared(contract, id))), [party])
    }
    this.#fetching.peerUp()
  }

  peerDown(party: string): void {
    this.#serving.drop(party)
    this.#fetching.peerDown(party)
  }

  async close(): Promise<void> {
    this.#stopListening()
    this.#serving.close()
    await this.#fetching.close()
  }

  // ── what the parts ask ────────────────────────────────────────────────────────────────────────────────────────────

  send(party: string, message: FileMessage): boolean {
    return this.options.send(party, JSON.stringify(message))
  }

  /** FIL-6: this party has named it there itself, or another party of the contract has shown that it holds it. */
  readonly isShared = (contract: string, id: FileId): boolean =>
    this.disk.has(id) &&
    (this.named.isOwn(contract, id) || this.options.store.setting(settingOf(contract, id)) !== undefined)

  #done(contract: string, id: FileId): void {
    try {
      this.options.store.write([{ kind: 'setting', key: settingOf(contract, id), value: 'shared' }])
    } catch (error) {
      // It is here; that it may be given on is found out again after the next start.
      this.options.log('warn', 'storage', { reason: (error as Error).message })
    }
    const { hash } = id
    this.options.log('debug', 'file-held', { contract, hash, sizeBytes: id.sizeBytes })
    this.#tell(contract, [hash])
    // In other contracts that name it nothing is left but to have it proved.
    for (const replica of this.options.replicas.values())
      if (replica.contract !== contract && this.named.has(replica.contract, hash))
        this.#tell(replica.contract, this.isShared(replica.contract, id) ? [hash] : [])
  }

  /** Tells those who are due them, or these of them, that they are held here. */
  #tell(
    contract: string,
    hashes: readonly string[],
    parties = this.options.replicas.get(contract)?.audience ?? [],
  ): void {
    for (let start = 0; start < hashes.length; start += HASHES_MAX) {
      const part = hashes.slice(start, start + HASHES_MAX)
      for (const party of parties)
        if (this.options.isUp(party))
          this.#serving.tellHeld(party, { type: 'FILE-ASK', contract, hashes: part })
    }
  }

  #noticed(notice: Notice): void {
    const replica = this.options.replicas.get(notice.contract)
    if (replica === undefined) {
      this.named.forget(notice.contract)
      this.#fetching.forget(notice.contract)
      return
    }
    switch (notice.type) {
      case 'tentative':
      // A value of before may have come long after its ledger block.
      case 'opened':
        this.#named(replica, this.named.changed(replica, notice.uids))
        break
      case 'created':
      case 'invited':
      case 'lineage':
      case 'returned':
      case 'begun':
        this.#fetching.forget(notice.contract)
        this.#readAnew(replica)
        break
      case 'turned':
      case 'accepted':
        // What a field came without may be here by now.
        this.#readAnew(replica)
        break
      default:
    }
  }

  #readAnew(replica: Replica): void {
    this.named.read(replica)
    this.#named(replica, [...this.named.all(replica.contract)])
  }

  /** A state names these: what is here is told, what isn't is asked for. */
  #named(replica: Replica, ids: readonly FileId[]): void {
    if (ids.length === 0) return
    const { contract } = replica
    this.#tell(contract, hashesOf(ids.filter((id) => this.isShared(contract, id))))
    this.#fetching.ask(replica, hashesOf(ids))
    this.#fetching.want(contract, ids)
  }
}

/** Members and observers but this party. */
function partiesOf({ electorate, members, self }: Replica): string[] {
  return [...members, ...electorate.observers].filter((party) => party !== self)
}

function hashesOf(ids: Iterable<FileId>): string[] {
  return [...new Set([...ids].map(({ hash }) => hash))]
}
