/** `recover`: a node whose disk is lost, rebuilt from its keys and what its counterparties hold (AMN-3). */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { stateRoot } from '../../contract/state.ts'
import { CountersignError } from '../../crypto/errors.ts'
import {
  checkProvenCard,
  formatFingerprint,
  type ProvenCard,
  parseFingerprint,
  partyOf,
} from '../../identity/card.ts'
import { Node } from '../../node/node.ts'
import type { Replica } from '../../node/replica.ts'
import { fetchCard } from '../../node/transport/fetch-card.ts'
import { openJournal } from '../../signer/journal.ts'
import { Signer } from '../../signer/signer.ts'
import { openStore, paths, readConfig, readKeys, readOwnCard, reinitialise } from '../directory.ts'
import { dim, green, print, printJson, red, safe, table, yellow } from '../output.ts'
import { port } from './node.ts'

type Options = {
  data: string
  keys: string
  card: string
  from: string[]
  trust?: string[]
  port?: number
  apiPort?: number
  wait: string
  json?: boolean
}

const POLL_MS = 200
const ASK_MS = 1500
const FETCH_MS = 5000

export function addRecoverCommand(program: Command): void {
  program
    .command('recover')
    .description('rebuild a node that lost its disk, from a backup of its keys and its counterparties')
    .requiredOption('--keys <dir>', 'the backup of its signer/keys (root.pem may stay offline)')
    .requiredOption('--card <file>', 'its card, as `countersign card` printed it')
    .requiredOption('--from <url...>', 'nodes of its counterparties; every member of a contract is needed')
    .option('--trust <fingerprint...>', 'their fingerprints, as they tell them to you')
    .option('--data <dir>', 'the new directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--port <n>', 'port other nodes reach it at (default: that of its card)', port)
    .option('--api-port <n>', 'port of its HTTP API (default: one higher)', port)
    .option('--wait <seconds>', 'how long to wait for all of them', '300')
    .option('--json', 'print JSON')
    .action(recover)
}

async function recover(options: Options): Promise<void> {
  const card = readCard(options.card)
  const [endpoint = ''] = card.card.endpoints
  const cut = endpoint.lastIndexOf(':')
  const listen = options.port ?? Number(endpoint.slice(cut + 1))
  const config = {
    version: 1,
    name: card.card.name,
    host: endpoint.slice(0, cut).replace(/^\[|\]$/g, ''),
    port: listen,
    apiHost: '127.0.0.1',
    apiPort: options.apiPort ?? listen + 1,
  } as const
  const offered = await offers(options)
  reinitialise(options.data, config, options.keys, card)
  const node = await startNode(options.data)
  try {
    const peers = offered.map((one) => node.pin(one))
    const say = (text: string): void => void (options.json || print(text))
    const isWhole = await waitUntilWhole(node, peers, Number(options.wait), say)
    if (isWhole) node.engine.finishRecovery()
    report(node, isWhole, options)
    if (!isWhole) process.exitCode = 1
  } finally {
    await node.close()
  }
}

function readCard(file: string) {
  try {
    return checkProvenCard(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof CountersignError) throw error
    throw new CountersignError('bad-request', `${file} is not a readable card file`)
  }
}

/** Nothing is signed before all members have told what this party signed (AMN-2). */
function startNode(directory: string): Promise<Node> {
  const at = paths(directory)
  const { host, port: listen } = readConfig(directory)
  const { keys, signer } = readKeys(directory, readOwnCard(directory))
  return Node.start({
    store: openStore(directory),
    signer: Signer.open({ journal: openJournal(at.signer), ...signer }),
    tlsKey: keys.tls,
    listen: { host, port: listen },
    restored: true,
    log: () => undefined,
  })
}

/** The cards served there. @throws CountersignError `fingerprint-mismatch` naming the fingerprints to compare */
async function offers({ from, trust = [] }: Options): Promise<ProvenCard[]> {
  const trusted = new Set(trust.map(parseFingerprint))
  const offered = await Promise.all(from.map(async (url) => (await fetchCard(url, FETCH_MS)).card))
  const unknown = offered.filter(({ card }) => !trusted.has(partyOf(card)))
  if (unknown.length > 0) {
    const names = unknown.map(({ card }) => `“${card.name}” ${formatFingerprint(partyOf(card))}`)
    throw new CountersignError(
      'fingerprint-mismatch',
      `compare with what they tell you, then run it again with --trust: ${names.join('; ')}`,
    )
  }
  return offered
}

async function waitUntilWhole(
  node: Node,
  peers: readonly string[],
  seconds: number,
  say: (text: string) => void,
): Promise<boolean> {
  const { engine } = node
  let told = ''
  let askMs = Date.now() + ASK_MS
  for (const endMs = Date.now() + seconds * 1000; Date.now() < endMs; ) {
    const answered = peers.filter((party) => engine.recovery.held.has(party))
    const wanted = new Set([...engine.recovery.held.values()].flat())
    const whole = [...wanted].filter((contract) => isWholeHere(engine.replicas.get(contract)))
    const line = `  ${answered.length} of ${peers.length} counterparties have answered; ${whole.length} of ${wanted.size} contracts are whole`
    if (line !== told) say(dim(line))
    told = line
    if (answered.length === peers.length && whole.length === wanted.size) return true
    if (Date.now() >= askMs) {
      node.askForLost()
      askMs = Date.now() + ASK_MS
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return false
}

/** Everything its members are known to have cosigned is here, and it may sign again. */
function isWholeHere(replica: Replica | undefined): boolean {
  if (replica?.phase !== 'signing') return false
  return replica.members.every((party) => replica.finality.knownSizeOf(party) <= replica.chain.height + 1)
}

function report(node: Node, isWhole: boolean, { json, data }: Options): void {
  const { engine } = node
  const wanted = [...new Set([...engine.recovery.held.values()].flat())]
  const contracts = wanted.map((id) => {
    const replica = engine.replicas.get(id)
    return {
      id,
      name: replica?.genesis.name ?? '',
      status: replica?.status ?? 'missing',
      height: replica?.chain.height ?? -1,
      finalHeight: (replica?.finalSize ?? 0) - 1,
      recordHash: replica ? stateRoot(replica.chain.tip.state) : '',
      isWhole: isWholeHere(replica),
      waitingFor:
        replica?.phase === 'recalling' ? replica.others.filter((one) => !replica.answers.has(one)) : [],
    }
  })
  if (json) {
    printJson({ whole: isWhole, contracts })
    return
  }
  print(isWhole ? green('✓ rebuilt') : red('✗ not whole yet'))
  const rows = contracts.map((one) => [
    one.isWhole ? green('✓') : yellow('…'),
    safe(one.name),
    one.id.slice(0, 16),
    one.status,
    String(one.height),
    one.recordHash.slice(0, 24),
  ])
  if (rows.length > 0) print(table(['', 'contract', 'id', 'status', 'height', 'record hash'], rows))
  for (const { name, waitingFor } of contracts)
    for (const party of waitingFor)
      print(`  ${safe(name)} waits for ${formatFingerprint(party)}: name its node with --from`)
  print('What only this node held is gone, and nobody else can know it:')
  print('  requests that it had not sent to anybody, contracts that it shared with nobody named here,')
  print('  who its peers were (pin the others again), its API’s token and idempotency keys.')
  if (isWhole) print(`  Next: countersign start --data ${data}`)
  else print(`  It goes on from here: countersign start --data ${data} --restored, with every member pinned`)
}
