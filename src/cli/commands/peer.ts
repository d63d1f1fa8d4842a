/** `peer add`, `peer list`: the parties this node knows and has pinned. */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { formatFingerprint, parseFingerprint } from '../../identity/card.ts'
import { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, safe, table, time, yellow } from '../output.ts'

export type PeerView = {
  party: string
  name: string
  fingerprint: string
  endpoints: string[]
  /** Of its newest card held here. */
  sequence: number
  pinned: boolean
  pinnedMs?: number
  connected: boolean
}

export function addPeerCommands(program: Command): void {
  const peer = program.command('peer').description('the parties this node knows')
  peer
    .command('add <url>')
    .description(
      'fetch a party’s card (https://host:port of its node, or a file), compare its fingerprint, pin it',
    )
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--fingerprint <hex>', 'the fingerprint you were told: pins only if it is the card’s')
    .option('--json', 'print JSON')
    .action(async (url: string, options) => {
      await addPeer(url, options)
    })
  peer
    .command('list')
    .description('list them')
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--json', 'print JSON')
    .action(async (options) => {
      const { peers } = await new NodeClient(options.data).get<{ peers: PeerView[] }>('/api/peers')
      if (options.json) {
        printJson(peers)
        return
      }
      if (peers.length === 0) {
        print('No peers yet: countersign peer add https://host:port')
        return
      }
      const rows = peers.map((one) => [
        safe(one.name),
        one.party.slice(0, 16),
        `${one.sequence}`,
        one.endpoints.join(' '),
        one.pinned ? (one.pinnedMs ? time(one.pinnedMs) : 'yes') : 'no',
        one.connected ? green('connected') : yellow('not connected'),
      ])
      print(table(['name', 'fingerprint', 'card', 'address', 'pinned', 'now'], rows))
    })
}

type Offer = { peer: PeerView; pinned: boolean }

async function addPeer(
  url: string,
  options: { data: string; fingerprint?: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const source = /^(https:\/\/)?[^/]+:\d+\/?$/.test(url) ? { url } : { card: readCard(url) }
  let fingerprint = options.fingerprint === undefined ? undefined : parseFingerprint(options.fingerprint)
  if (fingerprint === undefined) {
    const { pinned, peer } = await client.post<Offer>('/api/peers', JSON.stringify(source))
    if (options.json) {
      printJson({ pinned, peer })
      return
    }
    if (pinned) {
      print(
        `${green('✓')} ${bold(safe(peer.name))} is pinned: card ${peer.sequence} of the same party, so there is nothing to compare`,
      )
      return
    }
    print(`The card served there says it is ${bold(safe(peer.name))}, with the fingerprint`)
    print(`\n  ${bold(formatFingerprint(peer.party))}\n`)
    if (!process.stdin.isTTY)
      throw new CountersignError(
        'bad-request',
        'compare it with what the party told you, then pin it with --fingerprint <hex>; nothing was pinned',
      )
    print('Compare it with what they told you by another way (telephone, letter, in person).')
    const prompt = createInterface({ input: process.stdin, output: process.stdout })
    const answer = await prompt.question('Is it the same? Type yes to pin it: ')
    prompt.close()
    if (answer.trim().toLowerCase() !== 'yes') {
      print('Nothing was pinned.')
      process.exitCode = 1
      return
    }
    fingerprint = peer.party
  }
  const { peer } = await client.post<Offer>('/api/peers', JSON.stringify({ ...source, fingerprint }))
  if (options.json) printJson({ pinned: true, peer })
  else {
    print(`${green('✓')} ${bold(safe(peer.name))} is pinned`)
    print(dim('  They must add you as well before the nodes talk.'))
  }
}

function readCard(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new CountersignError(
      'bad-request',
      `“${file}” is neither https://host:port nor a readable card file`,
    )
  }
}
