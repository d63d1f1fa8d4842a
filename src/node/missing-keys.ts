/** Keys that contracts go by and this node does not have: nothing is signed there until it has, or a turn brings another. */
import { keyToSign, type Signer, type SignItem } from '../signer/signer.ts'
import type { Outbox } from './outbox.ts'

export class MissingKeys {
  private readonly signer: Signer
  private readonly log: Outbox['log']
  private readonly told = new Set<string>()

  constructor(signer: Signer, log: Outbox['log']) {
    this.signer = signer
    this.log = log
  }

  /** Whether the key to sign this with is missing; says so once for each contract. */
  lacks(contract: string, item: SignItem): boolean {
    const [use, key] = keyToSign(item)
    if (this.signer.holds(use, key)) return false
    const name = `${contract} ${key}`
    if (!this.told.has(name)) this.log('error', 'key-missing', { contract, use, key })
    this.told.add(name)
    return true
  }
}
