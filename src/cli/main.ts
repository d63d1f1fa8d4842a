/** The `countersign` command: where everything is put together. */
import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { addContractCommands } from './commands/contract.ts'
import { addFileCommands } from './commands/file.ts'
import { addKeysCommands } from './commands/keys.ts'
import { addMemberCommands } from './commands/member.ts'
import { addNodeCommands } from './commands/node.ts'
import { addPeerCommands } from './commands/peer.ts'
import { addRecoverCommand } from './commands/recover.ts'
import { addReportCommands } from './commands/report.ts'
import { addRuleCommands } from './commands/rule.ts'
import { addTemplateCommands } from './commands/template.ts'
import { addVerifyCommands } from './commands/verify.ts'
import { addWorkflowCommands } from './commands/workflow.ts'
import { addDemoCommand } from './demo/demo.ts'
import { printError } from './output.ts'

const program = new Command('countersign')
  .description('A peer database: contracts that every party holds, checks and countersigns.')
  .version(packageJson.version)
  .showHelpAfterError('(add --help for what this command takes)')
  .configureHelp({ sortSubcommands: false })
  // So that a command and one below it may have options of one name.
  .enablePositionalOptions()

addNodeCommands(program)
addKeysCommands(program)
addPeerCommands(program)
addContractCommands(program)
addTemplateCommands(program)
addFileCommands(program)
addMemberCommands(program)
addRuleCommands(program)
addWorkflowCommands(program)
addReportCommands(program)
addVerifyCommands(program)
addRecoverCommand(program)
addDemoCommand(program)

function overrideExit(command: Command): void {
  command.exitOverride()
  for (const one of command.commands) overrideExit(one)
}
overrideExit(program)

// Whoever reads may stop before the end (`| head`): the command, and a node above all, goes on without.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

try {
  await program.parseAsync()
} catch (error) {
  // Commander has printed its own complaints and help already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else process.exitCode = printError(error, process.argv.includes('--json'))
}
