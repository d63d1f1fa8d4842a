/**
 * What the writer knows of rows without asking. Across batches only what no later write can make untrue: a row id is for
 * ever, an element's row is never deleted. The rest, the tip and which certificates are held, is of one batch: another
 * process may write between two.
 */

/** Facts kept of a kind before all of that kind are let go: a few MiB at most. */
const FACTS_MAX = 16_384

export type Tip = { height: number; view: number }
export type RequestKey = { row: number; notAfterMs: number }

export class Memory {
  readonly #contracts = new Map<string, number>()
  readonly #requests = new Map<string, RequestKey>()
  readonly #elements = new Set<string>()
  readonly #tips = new Map<number, Tip>()
  readonly #certificates = new Set<string>()

  /** A new batch begins. */
  begin(): void {
    this.#tips.clear()
    this.#certificates.clear()
  }

  /** A batch was rolled back: what was learnt while it ran may never have come true. */
  forget(): void {
    this.begin()
    this.#contracts.clear()
    this.#requests.clear()
    this.#elements.clear()
  }

  /** Row id of a contract; undefined where it is not known. */
  contract(hash: string): number | undefined {
    return this.#contracts.get(hash)
  }

  setContract(hash: string, id: number): void {
    this.#contracts.set(hash, id)
  }

  /** A request's row; undefined where it is not known. */
  request(id: number, hash: string): RequestKey | undefined {
    return this.#requests.get(`${id} ${hash}`)
  }

  setRequest(id: number, hash: string, key: RequestKey): void {
    if (this.#requests.size >= FACTS_MAX) this.#requests.clear()
    this.#requests.set(`${id} ${hash}`, key)
  }

  /** An ordered request is not asked for again. */
  dropRequest(id: number, hash: string): void {
    this.#requests.delete(`${id} ${hash}`)
  }

  /** Marks an element as one that has its row; false where that was known already. */
  addElement(id: number, uid: string): boolean {
    const key = `${id} ${uid}`
    if (this.#elements.has(key)) return false
    if (this.#elements.size >= FACTS_MAX) this.#elements.clear()
    this.#elements.add(key)
    return true
  }

  /** The committed tip of a contract, as of this batch; undefined where it is not known. */
  tip(id: number): Tip | undefined {
    return this.#tips.get(id)
  }

  setTip(id: number, tip: Tip): void {
    this.#tips.set(id, tip)
  }

  hasCertificate(key: string): boolean {
    return this.#certificates.has(key)
  }

  /** Marks a certificate as held, for this batch. */
  addCertificate(key: string): void {
    this.#certificates.add(key)
  }
}
