/** `countersign demo`: four organisations on this machine, in a minute. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { bold, dim, green, print, printJson, red, table } from '../output.ts'
import { Organisation } from './organisation.ts'
import { type Result, Story } from './story.ts'
import { CONTRACT_NAME, ROLES } from './trade.ts'

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('four organisations on this machine share one contract, and try to cheat')
    .option('--once', 'end after the story: exit code 0 only if every claim was checked')
    .option('--json', 'print the result as one JSON object (implies --once)')
    .action(demo)
}

async function demo(options: { once?: boolean; json?: boolean }): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-demo-'))
  const organisations = ROLES.map((role) => new Organisation(role, root))
  const say = options.json ? () => undefined : print
  let ended = false
  const end = async (code: number): Promise<void> => {
    if (ended) return
    ended = true
    await Promise.all(organisations.map((one) => one.stop()))
    rmSync(root, { recursive: true, force: true })
    process.exit(code)
  }
  process.on('SIGINT', () => void end(130))
  process.on('SIGTERM', () => void end(143))
  try {
    const startMs = performance.now()
    say(bold('Countersign: one contract, four organisations, nobody in the middle'))
    await Promise.all(
      organisations.map(async (one) => {
        await one.initialise()
        await one.start()
      }),
    )
    for (const one of organisations)
      say(
        `   ${green('✓')} ${one.name.padEnd(26)} ${dim(`${one.role}, fingerprint ${one.party.slice(0, 16)}…`)}`,
      )
    const result = await new Story(organisations, root, say).run()
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
    if (options.json) printJson(result)
    else printResult(result, seconds)
    if (options.once || options.json) await end(result.ok ? 0 : 1)
    print()
    print(`The four nodes stay up until Ctrl-C. Look around, for example as the bank:`)
    print(dim(`   npx countersign contract show "${CONTRACT_NAME}" --data ${root}/bank`))
    print(
      dim(
        `   npx countersign contract set "${CONTRACT_NAME}" Transport/Sailed 2026-11-27 --data ${root}/carrier`,
      ),
    )
  } catch (error) {
    print(red(`The demo stopped: ${(error as Error).message}`))
    await end(1)
  }
}

function printResult(result: Result, seconds: string): void {
  const failed = result.checks.filter(({ ok }) => !ok)
  print()
  print(bold(`${CONTRACT_NAME}  ${dim(result.contract)}`))
  const rows = result.members.map((one) => [
    bold(one.name),
    one.role,
    one.signed ? green('signed') : red('not signed'),
    String(one.finalHeight),
    one.recordHash.slice(0, 24),
    one.api,
  ])
  print(table(['organisation', 'role', 'this record', 'final height', 'record hash', 'API'], rows))
  print()
  print(
    failed.length === 0
      ? green(`${result.checks.length} claims checked against all four nodes in ${seconds} s, all true.`)
      : red(
          `${failed.length} of ${result.checks.length} claims failed: ${failed.map(({ claim }) => claim).join('; ')}`,
        ),
  )
}
