/** What the parts of the file exchange work with. */
import type { Store } from '../../store/store.ts'
import type { LogLevel, Notice } from '../outbox.ts'
import type { Replica } from '../replica.ts'
import type { FileMessage } from './file-messages.ts'
import type { FileId, FileStore } from './file-store.ts'
import type { NamedFiles } from './named-files.ts'

/** What a node gives it. */
export type FilesOptions = {
  /** A folder of its own. */
  directory: string
  self: string
  store: Store
  /** The replicas of contracts that run here. */
  replicas: ReadonlyMap<string, Replica>
  isUp(party: string): boolean
  /** False where it is not connected. */
  send(party: string, text: string): boolean
  bufferedBytes(party: string): number
  subscribe(listener: (notice: Notice) => void): () => void
  log(level: LogLevel, event: string, detail: Record<string, unknown>): void
  limits?: Partial<FileLimits>
}

/** How patient it is; tests are less so. */
export type FileLimits = {
  /** How long a peer may take to answer what it is asked. */
  answerMs: number
  /** A peer that has nothing, or does not answer, is asked again after this long; who has sent wrong bytes, after that. */
  pauseMs: number
  liarPauseMs: number
  /** How often everybody is asked who holds what is missing. */
  askMs: number
  /** After a failure of the disk. */
  diskMs: number
}

export const FILE_LIMITS: Readonly<FileLimits> = {
  answerMs: 15_000,
  pauseMs: 20_000,
  liarPauseMs: 3_600_000,
  askMs: 15_000,
  diskMs: 5_000,
}

export type FilesContext = {
  readonly options: FilesOptions
  readonly limits: FileLimits
  readonly disk: FileStore
  readonly named: NamedFiles
  send(party: string, message: FileMessage): boolean
  /** Whether the file is here, and may be given to the contract's parties (FIL-6). */
  isShared(contract: string, id: FileId): boolean
}
