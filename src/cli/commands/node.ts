/** `init`, `start`, `card`: a node of one's own. */
import type { Command } from 'commander'
import pino from 'pino'
import packageJson from '../../../package.json' with { type: 'json' }
import { createApi } from '../../api/api.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { formatFingerprint, partyOf } from '../../identity/card.ts'
import { Node } from '../../node/node.ts'
import { openJournal } from '../../signer/journal.ts'
import { Signer } from '../../signer/signer.ts'
import {
  DEFAULT_PORT,
  initialise,
  openStore,
  paths,
  readConfig,
  readKeys,
  readOwnCard,
  readToken,
} from '../directory.ts'
import { bold, dim, green, print, printJson, safe } from '../output.ts'
import { addCardUpdate } from './keys.ts'

export function port(text: string): number {
  const value = Number(text)
  if (!/^\d{1,5}$/.test(text) || value < 1 || value > 65535)
    throw new CountersignError('bad-request', `a port is a number from 1 to 65535, not “${text}”`)
  return value
}

export function addNodeCommands(program: Command): void {
  program
    .command('init')
    .description('make a node: its keys, its card, its database')
    .requiredOption('--name <name>', 'your organisation’s name, as others will see it')
    .option('--data <dir>', 'its directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--port <n>', 'port other nodes reach it at; its API listens one higher', port, DEFAULT_PORT)
    .option('--api-port <n>', 'port of its HTTP API', port)
    .option('--host <host>', 'host name or address other nodes reach it at', '127.0.0.1')
    .option('--json', 'print JSON')
    .action((options) => {
      const card = initialise(options.data, {
        version: 1,
        name: options.name,
        host: options.host,
        port: options.port,
        apiHost: '127.0.0.1',
        apiPort: options.apiPort ?? options.port + 1,
      })
      const party = partyOf(card.card)
      if (options.json) {
        printJson({ party, name: options.name, data: options.data, port: options.port, card })
        return
      }
      print(`${green('✓')} ${bold(safe(options.name))}: node made in ${options.data}`)
      print(`  fingerprint  ${formatFingerprint(party)}`)
      print(dim('  Tell it to your partners by another way than the network, so that they can compare it.'))
      print(
        dim(
          `  Take its root key offline: countersign keys root export FILE --data ${options.data}. It alone can replace your other keys.`,
        ),
      )
      print(`  Next: countersign start --data ${options.data}`)
    })

  program
    .command('start')
    .description('run the node')
    .option('--data <dir>', 'its directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option(
      '--restored',
      'its data or keys came from a backup: ask all members for its own signatures before signing',
    )
    .option('--log-level <level>', 'debug, info, warn or error (to stderr, JSON lines)', 'info')
    .action(async (options) => {
      await start(options.data, { restored: options.restored ?? false, logLevel: options.logLevel })
    })

  const card = program
    .command('card')
    .description('print the node’s own card, to hand over as a file')
    .option('--data <dir>', 'its directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .action((options) => {
      printJson(readOwnCard(options.data).card)
    })
  addCardUpdate(card)
}

async function start(directory: string, options: { restored: boolean; logLevel: string }): Promise<void> {
  const config = readConfig(directory)
  const at = paths(directory)
  const logger = pino({ level: options.logLevel, base: { node: config.name } }, pino.destination(2))
  const log = (
    level: 'debug' | 'info' | 'warn' | 'error',
    event: string,
    detail: Record<string, unknown>,
  ): void => logger[level](detail, event)
  const own = readOwnCard(directory)
  const { keys, signer: signing } = readKeys(directory, own)
  const signer = Signer.open({ journal: openJournal(at.signer), ...signing })
  const node = await Node.start({
    store: openStore(directory),
    signer,
    tlsKey: keys.tls,
    listen: { host: config.host, port: config.port },
    restored: options.restored,
    files: at.files,
    log,
  })
  const api = await createApi(node, {
    token: readToken(directory),
    host: config.apiHost,
    port: config.apiPort,
    version: packageJson.version,
  })
  print(`${bold(safe(config.name))} ${green('is up')}`)
  print(`  fingerprint   ${formatFingerprint(own.party)}`)
  print(`  other nodes   https://${config.host}:${node.port}`)
  print(`  API           ${api.url}  ${dim(`(token in ${at.token})`)}`)
  print(dim('  Ctrl-C stops it.'))
  let stopping = false
  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    await api.close()
    await node.close()
    process.exit(code)
  }
  process.on('SIGINT', () => void stop(0))
  process.on('SIGTERM', () => void stop(0))
  node.onFailure = () => void stop(70)
}
