/** `keys`: the party's keys on this machine, its root key kept offline, and new cards with new keys. */
import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { cardHash, formatFingerprint } from '../../identity/card.ts'
import { KEY_USES, type KeyUse } from '../../signer/keys.ts'
import { readOwnCard } from '../directory.ts'
import { bold, dim, green, print, printJson, safe, table, yellow } from '../output.ts'
import { exportRoot, type KeyView, keyViews, removeRoot, rotate } from '../rotation.ts'

/** All that a node works with: what a thief of its disk has, once the root key is elsewhere. */
const WORKING: readonly KeyUse[] = KEY_USES.filter((use) => use !== 'root')

type Options = { data: string; use?: KeyUse[]; root?: string; json?: boolean }

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const

function uses(text: string): KeyUse[] {
  const named = text.split(',').map((one) => one.trim())
  for (const one of named)
    if (!KEY_USES.includes(one as KeyUse))
      throw new CountersignError(
        'bad-request',
        `“${one}” is no use of a key; there are ${KEY_USES.join(', ')}`,
      )
  return KEY_USES.filter((use) => named.includes(use))
}

export function addKeysCommands(program: Command): void {
  const keys = program.command('keys').description('this party’s keys, and its next card')
  keys
    .command('list')
    .description('list them: which cards they stand in, and whether they are on this machine')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(list)
  keys
    .command('rotate')
    .description(
      'make new keys and the next card with them, signed by the root key; the node must be stopped',
    )
    .option(...DATA)
    .option(
      '--use <uses>',
      `which, with commas between: ${KEY_USES.join(', ')} (default: all but root)`,
      uses,
    )
    .option('--root <file>', 'the root key, where it is kept offline')
    .option('--json', 'print JSON')
    .action((options: Options) => renew(options, options.use ?? WORKING, false))
  keys
    .command('revoke')
    .description('some may be stolen: replace all but the root key; the node must be stopped')
    .option(...DATA)
    .option('--root <file>', 'the root key, where it is kept offline')
    .option('--json', 'print JSON')
    .action((options: Options) => renew(options, WORKING, true))
  const root = keys.command('root').description('the root key, which alone can replace the others')
  root
    .command('export <file>')
    .description('copy it out, to be kept offline')
    .option(...DATA)
    .action((file: string, options: Options) => {
      exportRoot(options.data, file)
      print(
        `${green('✓')} the root key is in ${file}, unencrypted: whoever has it can replace your other keys`,
      )
      print(
        dim(
          '  Put it on two media that are never connected to this machine but to sign a card, in two places.',
        ),
      )
      print(dim(`  Check a copy: openssl pkey -in ${file} -pubout`))
      print(`  Then: countersign keys root remove ${file} --data ${options.data}`)
    })
  root
    .command('remove <file>')
    .description('delete it from this machine, once that file is seen to hold it')
    .option(...DATA)
    .action((file: string, options: Options) => {
      const count = removeRoot(options.data, file)
      print(
        `${green('✓')} deleted from this machine (${count} ${count === 1 ? 'file' : 'files'}); ${file} holds it`,
      )
      print(dim('  Backups of the directory, and what the disk has not overwritten yet, may still hold it.'))
      print(dim('  From now on: countersign keys rotate --root FILE'))
    })
}

const cardsOf = ({ fromCard, toCard }: KeyView): string =>
  fromCard === toCard ? `${fromCard}` : `${fromCard}–${toCard}`

function list(options: Options): void {
  const own = readOwnCard(options.data)
  const views = keyViews(options.data, own)
  const rootIsHere = views.some(({ use, inForce, file }) => use === 'root' && inForce && file !== undefined)
  if (options.json) {
    printJson({ party: own.party, sequence: own.cards.length, rootIsHere, keys: views })
    return
  }
  const where = (view: KeyView): string =>
    view.file === undefined
      ? view.use === 'root' || !view.inForce
        ? dim('not on this machine')
        : yellow('missing')
      : relative(resolve(options.data), view.file)
  const rows = views.map((view) => [
    view.use,
    view.publicKey,
    cardsOf(view),
    view.inForce ? green('in force') : dim('former'),
    where(view),
  ])
  print(table(['use', 'public key', 'card', '', 'file'], rows))
  print(`\nfingerprint  ${formatFingerprint(own.party)}  (card ${own.cards.length})`)
  if (rootIsHere)
    print(yellow('The root key is on this machine: countersign keys root export FILE takes it offline.'))
}

type UpdateOptions = Options & { name?: string; endpoint?: string[] }

/** `card update`, under the command that prints the card. */
export function addCardUpdate(card: Command): void {
  card
    .command('update')
    .description('make the next card with another name or other endpoints; the node must be stopped')
    .option(...DATA)
    .option('--name <name>', 'your organisation’s name, as others will see it')
    .option('--endpoint <host:port...>', 'where other nodes reach it from now on, in the order to try')
    .option('--root <file>', 'the root key, where it is kept offline')
    .option('--json', 'print JSON')
    .action((options: UpdateOptions, command: Command) => update(withDataOf(card, command, options)))
}

/** `card --data DIR update` means the same as `card update --data DIR`. */
function withDataOf(card: Command, command: Command, options: UpdateOptions): UpdateOptions {
  const isGiven = (one: Command): boolean => one.getOptionValueSource('data') === 'cli'
  return isGiven(card) && !isGiven(command) ? { ...options, data: card.opts<Options>().data } : options
}

function update(options: UpdateOptions): void {
  const { name, endpoint } = options
  if (name === undefined && endpoint === undefined)
    throw new CountersignError('bad-request', 'nothing to change: give --name or --endpoint')
  const change = { ...(name !== undefined && { name }), ...(endpoint && { endpoints: endpoint }) }
  const { card } = rotate(options.data, [], options.root, change)
  if (options.json) {
    printJson(card)
    return
  }
  print(
    `${green('✓')} card ${card.card.sequence}: ${bold(safe(card.card.name))}, ${card.card.endpoints.join(' ')}`,
  )
  print(dim('  Where the node itself listens is in its config.json.'))
  print(`  Next: countersign start --data ${options.data}`)
}

function renew(options: Options, renewed: readonly KeyUse[], isRevocation: boolean): void {
  const { card, leftOver } = rotate(options.data, renewed, options.root)
  const { sequence } = card.card
  const { party } = readOwnCard(options.data)
  if (options.json) {
    printJson({ party, sequence, hash: cardHash(card.card), uses: renewed, leftOver, card })
    return
  }
  print(
    `${green('✓')} card ${sequence} of ${bold(formatFingerprint(party))}: new keys for ${renewed.join(', ')}`,
  )
  if (leftOver)
    print(
      yellow(
        `  Key files of card ${sequence} were here already. If the data of this directory came from a backup older than a\n` +
          '  card you had made, this is a rival of that card, which others refuse: put the newer data back instead.',
      ),
    )
  print(`  Next: countersign start --data ${options.data}`)
  print(
    dim(
      '  Pinned peers take the new card when the nodes connect, with nothing to compare: the root key signed it.',
    ),
  )
  if (renewed.includes('root'))
    print(
      yellow(
        '  The root key is a new one: take it offline again (countersign keys root export FILE), destroy the former.',
      ),
    )
  if (isRevocation) {
    print(
      dim(
        '  The TLS key that was replaced is refused by each peer as soon as it has the new card: see that all have',
      ),
    )
    print(dim('  connected (countersign peer list, at theirs).'))
    print(
      dim(
        '  A contract goes by the former keys until its members have taken the new card in: until then a thief can',
      ),
    )
    print(
      dim(
        '  sign there as you. Your node asks for it; all members must be connected. Look at your evidence (countersign evidence).',
      ),
    )
    print(dim('  Write a new token into the file token as well: whoever read the keys could read it.'))
  }
}
