/**
 * The demo's story: a trade among four nodes, told as it happens. Every claim is a check against all four; what is printed
 * at the end is only what was checked.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { verifyFile } from '../commands/verify.ts'
import { bold, cyan, dim, green, red, yellow } from '../output.ts'
import type { Organisation, WriteStatus } from './organisation.ts'
import { CONTRACT_NAME, PRICE, PRICE_PATH, ROLES, type Role, STEPS, TRADE } from './trade.ts'

export type Check = { claim: string; ok: boolean; detail: string }
export type Member = {
  role: Role
  name: string
  party: string
  height: number
  finalHeight: number
  recordHash: string
  signed: boolean
  api: string
}
export type Result = { ok: boolean; contract: string; members: Member[]; checks: Check[] }

type ContractView = {
  id: string
  status: string
  height: number
  finalHeight: number
  recordHash: string
  reason?: string
  waitingFor: { name: string }[]
}

export class Story {
  readonly checks: Check[] = []
  private contract = ''
  private readonly all: readonly Organisation[]
  private readonly by: Record<Role, Organisation>
  private readonly root: string
  private readonly say: (line: string) => void

  constructor(organisations: readonly Organisation[], root: string, say: (line: string) => void) {
    this.all = organisations
    this.by = Object.fromEntries(organisations.map((one) => [one.role, one])) as Record<Role, Organisation>
    this.root = root
    this.say = say
  }

  private check(claim: string, ok: boolean, detail = ''): void {
    this.checks.push({ claim, ok, detail })
    this.say(`   ${ok ? green('✓') : red('✗')} ${claim}${detail ? dim(`  ${detail}`) : ''}`)
  }

  private chapter(title: string): void {
    this.say('')
    this.say(bold(title))
  }

  async run(): Promise<Result> {
    await this.meet()
    await this.agree()
    await this.trade()
    await this.quarrel()
    await this.absence()
    await this.tampering()
    await this.audit()
    const members = await this.members()
    return { ok: this.checks.every(({ ok }) => ok), contract: this.contract, members, checks: this.checks }
  }

  // ── 1 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private async meet(): Promise<void> {
    this.chapter(
      '1  Four organisations, each with a node, keys and a database of its own, pin one another’s cards',
    )
    for (const one of this.all)
      for (const other of this.all) {
        if (one === other) continue
        // Over the network comes the card; the fingerprint comes from its owner, as it would by telephone.
        const body = { url: `https://127.0.0.1:${other.port}`, fingerprint: other.party }
        await one.client.post('/api/peers', JSON.stringify(body))
      }
    const connected = await this.until(async () => {
      const lists = await Promise.all(
        this.all.map((one) => one.client.get<{ peers: { connected: boolean }[] }>('/api/peers')),
      )
      return lists.every(({ peers }) => peers.length === 3 && peers.every((peer) => peer.connected))
    })
    this.check('every node is connected to the three others, by mutual TLS with the cards’ keys', connected)
  }

  private async agree(): Promise<void> {
    const { buyer } = this.by
    this.chapter(`2  ${buyer.name} drafts “${CONTRACT_NAME}” and invites the others`)
    const others = this.all.filter((one) => one !== buyer)
    const head = JSON.stringify({ name: CONTRACT_NAME, with: others.map(({ party }) => party) })
    const made = await buyer.client.post<ContractView>(
      '/api/contracts',
      `${head.slice(0, -1)},"document":${TRADE}}`,
    )
    this.contract = made.id
    for (const one of others) {
      await this.until(async () => (await this.views([one]))[0] !== undefined)
      await one.client.post(`/api/contracts/${this.contract}/accept`)
      this.say(`   ${one.name} ${cyan('accepts')}: its node has checked the document and cosigned it`)
    }
    this.check(
      'all four have signed the same document',
      await this.untilEqual(0),
      `contract ${made.id.slice(0, 16)}…`,
    )
  }

  private async trade(): Promise<void> {
    this.chapter(
      '3  The trade moves on: each party writes on its own node, every node checks and countersigns',
    )
    for (const { role, path, value, says } of STEPS) {
      const one = this.by[role]
      const startMs = performance.now()
      const status = await one.set(this.contract, path, value)
      const ms = Math.round(performance.now() - startMs)
      this.say(`   ${one.name} ${says}: ${cyan(value)}  ${dim(`final at height ${status.height}, ${ms} ms`)}`)
      const signed = status.dialogues.filter(({ accepted }) => accepted).length
      this.check(
        `“${path}” is final, accepted by all`,
        isFinal(status) && signed === 4,
        `${signed} of 4 signed`,
      )
    }
    await this.everywhere('Transport/Vessel', STEPS[3]?.value ?? '')
  }

  private async quarrel(): Promise<void> {
    this.chapter('4  Buyer and seller change the same price at the same moment')
    const { buyer, seller } = this.by
    const [first, second] = await Promise.all([
      buyer.set(this.contract, PRICE_PATH, '6.30', 20, await this.version(buyer, PRICE_PATH)),
      seller.set(this.contract, PRICE_PATH, '6.55', 20, await this.version(seller, PRICE_PATH)),
    ])
    const outcomes = [first.outcome, second.outcome].sort().join(' and ')
    this.say(`   ${buyer.name}: ${mark(first)}   ${seller.name}: ${mark(second)}`)
    this.check(
      'one is accepted, the other conflicted: nothing is overwritten silently',
      outcomes === 'accepted and conflicted',
      outcomes,
    )
    const winner = first.outcome === 'accepted' ? '6.30' : '6.55'
    await this.everywhere(PRICE_PATH, winner)
    const settled = await buyer.set(this.contract, PRICE_PATH, PRICE)
    this.check('they settle on the old price', isFinal(settled), `${PRICE} EUR/kg`)
    await this.everywhere(PRICE_PATH, PRICE)
  }

  private async absence(): Promise<void> {
    const { carrier, bank } = this.by
    this.chapter(`5  The node of ${carrier.name} is killed; the others go on`)
    await carrier.kill()
    const status = await bank.set(this.contract, 'Payment/Released', 'true', 3)
    const waits = status.waitingFor.map(({ name }) => name)
    this.say(
      `   ${bank.name} releases the payment: ${yellow(status.stage)}, waiting for ${yellow(waits.join(', '))}`,
    )
    this.check(
      'ordered by the other three, but not called final without the fourth',
      status.stage === 'tentative' && waits.length === 1 && waits[0] === carrier.name,
      `height ${status.height}`,
    )
    await carrier.start()
    const final = await this.until(async () => {
      const now = await bank.client.get<WriteStatus>(`/api/contracts/${this.contract}/requests/${status.id}`)
      return isFinal(now)
    })
    this.check('it comes back, catches up, checks everything itself, and signs: final', final)
    this.check('all four agree again', await this.untilEqual(status.height ?? 0))
  }

  private async tampering(): Promise<void> {
    const { seller, buyer } = this.by
    this.chapter(`6  Somebody at ${seller.name} edits its database with SQL: the price becomes 7.42`)
    const before = await buyer.client.get<{ recordHash: string }>(`/api/contracts/${this.contract}`)
    const changed = this.sql(`UPDATE opening SET value = '"7.42"' WHERE value = '"${PRICE}"'`)
    this.say(
      `   ${dim('sqlite>')} UPDATE opening SET value = '"7.42"' WHERE value = '"${PRICE}"'  ${dim(`${changed} rows`)}`,
    )
    const bundle = join(this.root, 'tampered.bundle')
    writeFileSync(bundle, await (await seller.client.fetch(`/api/contracts/${this.contract}/export`)).text())
    const report = await verifyFile(bundle, new Set(this.all.map(({ party }) => party)))
    this.check(
      'an auditor given its export refuses it',
      report.verdict === 'invalid',
      report.finding ? `[${report.finding.rule}] ${report.finding.place}` : report.verdict,
    )
    const found = await seller.client.post<CheckView>(`/api/contracts/${this.contract}/check`)
    this.check('its own node notices, and stops using the contract', found.ok === false, findingText(found))
    for (const one of this.all) {
      if (one === seller) continue
      const other = await one.client.post<CheckView>(`/api/contracts/${this.contract}/check`)
      this.check(`${one.name}: everything on disk is what was signed`, other.ok)
    }
    const after = await buyer.client.get<{ recordHash: string }>(`/api/contracts/${this.contract}`)
    this.check('the record the others hold has not moved', before.recordHash === after.recordHash)
    await seller.stop()
    this.sql(`UPDATE opening SET value = '"${PRICE}"' WHERE value = '"7.42"'`)
    await seller.start()
    const mended = await seller.client.post<CheckView>(`/api/contracts/${this.contract}/check`)
    this.check('with the true value back, its node signs again', mended.ok && (await this.untilEqual(0)))
  }

  private sql(statement: string): number {
    const database = new DatabaseSync(this.by.seller.database)
    database.exec('PRAGMA busy_timeout = 5000')
    const { changes } = database.prepare(statement).run()
    database.close()
    return Number(changes)
  }

  private async audit(): Promise<void> {
    const { bank } = this.by
    this.chapter('7  The bank hands one file to its auditor, who checks it with no node at all')
    const bundle = join(this.root, `${this.contract.slice(0, 12)}.bundle`)
    writeFileSync(bundle, await (await bank.client.fetch(`/api/contracts/${this.contract}/export`)).text())
    const known = await verifyFile(bundle, new Set(this.all.map(({ party }) => party)))
    const views = await this.views(this.all)
    this.check(
      'valid, every signer identified, and the record hash is the nodes’',
      known.verdict === 'valid' && views.every((view) => view?.recordHash === known.stateRoot),
      `${known.counts.ledgerBlocks} ledger blocks, ${known.counts.signatures} signatures`,
    )
    const stranger = await verifyFile(bundle, new Set())
    this.check(
      'without the four fingerprints it proves nothing, and says so',
      stranger.verdict === 'unidentified',
    )
  }

  // ── what all four say ─────────────────────────────────────────────────────────────────────────────────────────────

  private async views(of: readonly Organisation[]): Promise<(ContractView | undefined)[]> {
    return Promise.all(
      of.map(async (one) => {
        const { contracts } = await one.client.get<{ contracts: ContractView[] }>('/api/contracts')
        return contracts.find(({ id }) => id === this.contract)
      }),
    )
  }

  /** Waits until all four hold the same final height, at least this one, with the same record hash. */
  private async untilEqual(height: number): Promise<boolean> {
    return this.until(async () => {
      const views = await this.views(this.all)
      const [first] = views
      return (
        first !== undefined &&
        first.finalHeight >= height &&
        views.every(
          (view) =>
            view !== undefined &&
            view.finalHeight === first.finalHeight &&
            view.height === view.finalHeight &&
            view.recordHash === first.recordHash,
        )
      )
    })
  }

  /** The value at a path, asked of all four nodes. */
  private async everywhere(path: string, expected: string): Promise<void> {
    const same = await this.until(async () => {
      const values = await Promise.all(this.all.map((one) => this.read(one, path)))
      return values.every((value) => value === expected)
    })
    this.check(`all four nodes show ${path.split('/').at(-1)} = ${expected}`, same)
  }

  private async read(one: Organisation, path: string): Promise<string> {
    const place = path.split('/').map(encodeURIComponent).join('/')
    const response = await one.client.fetch(`/records/${this.contract}/${place}`, {
      headers: { accept: 'text/plain' },
    })
    return response.text()
  }

  private async version(one: Organisation, path: string): Promise<string> {
    const place = path.split('/').map(encodeURIComponent).join('/')
    const response = await one.client.fetch(`/records/${this.contract}/${place}`, {
      headers: { accept: 'text/plain' },
    })
    return response.headers.get('etag') ?? ''
  }

  private async until(condition: () => Promise<boolean>, timeoutMs = 20_000): Promise<boolean> {
    const endMs = performance.now() + timeoutMs
    while (performance.now() < endMs) {
      if (await condition()) return true
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    return false
  }

  private async members(): Promise<Member[]> {
    const views = await this.views(this.all)
    const seen = await this.by.buyer.client.get<{ members: { party: string; cosignedSize: number }[] }>(
      `/api/contracts/${this.contract}`,
    )
    return this.all.map((one, index) => {
      const view = views[index]
      const cosigned = seen.members.find(({ party }) => party === one.party)?.cosignedSize ?? 0
      return {
        role: ROLES[index] as Role,
        name: one.name,
        party: one.party,
        height: view?.height ?? -1,
        finalHeight: view?.finalHeight ?? -1,
        recordHash: view?.recordHash ?? '',
        signed: view !== undefined && cosigned > view.finalHeight,
        api: one.client.base,
      }
    })
  }
}

type CheckView = { ok: boolean; finding?: { rule: string; place: string } }

function findingText({ finding }: CheckView): string {
  return finding ? `[${finding.rule}] ${finding.place}` : ''
}

function isFinal({ stage, outcome }: WriteStatus): boolean {
  return stage === 'final' && outcome === 'accepted'
}

function mark({ outcome }: WriteStatus): string {
  return outcome === 'accepted' ? green('accepted') : yellow(outcome ?? 'no outcome')
}
