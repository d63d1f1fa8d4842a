/** `export` and `verify`: a contract as one file, and the proof of it with no node running. */
import { createReadStream, createWriteStream, readFileSync, renameSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { checkProvenCard, formatFingerprint, parseFingerprint, partyOf } from '../../identity/card.ts'
import { isEvidenceFile, verifyEvidenceFile } from '../../verify/evidence-file.ts'
import { isReportFile } from '../../verify/report.ts'
import { BundleVerifier, type Report } from '../../verify/verifier.ts'
import { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, red, safe, yellow } from '../output.ts'
import { printEvidenceReport, readWhole, showEvidence, startOf } from './evidence.ts'
import { findContract } from './find.ts'
import { freezeContract } from './freeze.ts'
import { printReportAudit, verifyReportFile } from './verify-report.ts'

const EXIT = { valid: 0, invalid: 1, unreadable: 2, unidentified: 3 } as const

export function addVerifyCommands(program: Command): void {
  program
    .command('export <id>')
    .description('write a contract as one self-contained file')
    .requiredOption('-o, --output <file>', 'the file to write')
    .option('--private', 'put in the private values that this party may see, too')
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--json', 'print JSON')
    .action(async (id: string, options) => {
      const client = new NodeClient(options.data)
      const contract = await findContract(client, id)
      const query = options.private ? '?private=true' : ''
      const response = await client.fetch(`/api/contracts/${contract.id}/export${query}`)
      const partial = `${options.output}.part`
      await pipeline(Readable.fromWeb(response.body as never), createWriteStream(partial))
      renameSync(partial, options.output)
      if (options.json)
        printJson({ contract: contract.id, file: options.output, private: options.private === true })
      else {
        print(`${green('✓')} ${bold(safe(contract.name))} written to ${options.output}`)
        print(
          options.private
            ? yellow('  It holds every private value that you may see: whoever gets the file reads them.')
            : dim(
                '  It holds no private values, only what everybody in the contract may see (--private puts yours in).',
              ),
        )
        print(dim(`  Anyone can check it: countersign verify ${options.output} --trust FINGERPRINT…`))
      }
    })

  program
    .command('evidence <id>')
    .description('show which members have signed against themselves, and write the proof')
    .option('-o, --output <file>', 'write the evidence to a file that anyone can verify')
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--json', 'print JSON')
    .action(showEvidence)

  program
    .command('freeze <id>')
    .description('freeze a halted contract, so that it goes on without who signed two histories')
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThis party signs nothing more in the contract’s lineage. Once every member but the guilty has frozen, the next begins.',
    )
    .action(freezeContract)

  const verify = program
    .command('verify <file>')
    .description('check an exported contract, exported evidence or a signed report, with no node running')
    .enablePositionalOptions()
    .option('--trust <fingerprint...>', 'fingerprints of parties you know')
    .option('--card <file...>', 'card files of parties you know')
    .option(
      '--from-checkpoint',
      'take the members’ word for what was before a checkpoint that the file begins with',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 valid, every signer identified; 1 invalid; 2 unreadable; 3 consistent, signers (of evidence: the accused) unidentified, or not the whole ledger.',
    )
    .action(async (file: string, options: VerifyOptions) => {
      const trusted = trustedBy(options)
      const start = startOf(file)
      if (isReportFile(start)) {
        await verifyReport(file, trusted, options)
        return
      }
      if (isEvidenceFile(start)) {
        const report = verifyEvidenceFile(readWhole(file), trusted)
        if (options.json) printJson(report)
        else printEvidenceReport(file, report)
        process.exitCode = EXIT[report.verdict]
        return
      }
      const report = await verifyFile(file, trusted, options.fromCheckpoint)
      if (options.json) printJson(report)
      else printReport(file, report)
      process.exitCode = EXIT[report.verdict]
    })
  verify
    .command('report <file>')
    .description(
      'check a signed report: that it is its reporter’s, and what it tells was signed by every member',
    )
    .option('--trust <fingerprint...>', 'fingerprints of parties you know')
    .option('--card <file...>', 'card files of parties you know')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 valid, reporter and every signer identified; 1 invalid; 2 unreadable; 3 consistent, signers unidentified.',
    )
    .action((file: string, options: VerifyOptions) => verifyReport(file, trustedBy(options), options))
}

type VerifyOptions = { trust?: string[]; card?: string[]; fromCheckpoint?: boolean; json?: boolean }

function trustedBy({ trust = [], card = [] }: VerifyOptions): Set<string> {
  return new Set([...trust.map(parseFingerprint), ...card.map((file) => partyOf(readCardFile(file)))])
}

async function verifyReport(
  file: string,
  trusted: ReadonlySet<string>,
  { json }: VerifyOptions,
): Promise<void> {
  const audit = await verifyReportFile(file, trusted)
  if (json) printJson(audit)
  else printReportAudit(file, audit)
  process.exitCode = EXIT[audit.verdict]
}

function readCardFile(file: string) {
  try {
    return checkProvenCard(JSON.parse(readFileSync(file, 'utf8'))).card
  } catch (error) {
    if (error instanceof CountersignError) throw error
    throw new CountersignError('bad-request', `${file} is not a readable card file`)
  }
}

/** Streams a bundle through the verifier. Unreadable files give that verdict, not an error. */
export async function verifyFile(
  file: string,
  trusted: ReadonlySet<string>,
  fromCheckpoint = false,
): Promise<Report> {
  const verifier = new BundleVerifier({ trusted, fromCheckpoint })
  try {
    const lines = createInterface({
      input: createReadStream(file, 'utf8'),
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    for await (const line of lines) verifier.line(line)
  } catch (error) {
    throw new CountersignError('not-found', `${file} can’t be read: ${(error as Error).message}`)
  }
  return verifier.end()
}

/** What rules made of values that not everybody may see: proved by the file where it holds them, otherwise by their readers' word. */
function printJudged({ recomputed: { judgedResults, takenJudgedResults } }: Report): void {
  if (judgedResults > 0)
    print(`  recomputed    ${judgedResults} results of private values, which the file holds`)
  if (takenJudgedResults > 0)
    print(
      `  taken on signatures  ${takenJudgedResults} results of private values that the file does not hold: those who judged them have signed`,
    )
}

function printReport(file: string, report: Report): void {
  const titles = {
    valid: green('VALID: every signer identified'),
    invalid: red('INVALID'),
    unreadable: red('UNREADABLE: this is not a bundle'),
    unidentified: yellow(
      report.finding?.rule === 'BUN-4'
        ? 'CONSISTENT IN ITSELF, AND NOT THE WHOLE LEDGER'
        : 'CONSISTENT IN ITSELF, SIGNERS UNIDENTIFIED',
    ),
  }
  print(`${bold(file)}  ${titles[report.verdict]}`)
  const { finding } = report
  if (finding) print(`  ${red(`[${finding.rule}]`)} ${safe(finding.place)}: ${safe(finding.message)}`)
  if (report.verdict === 'unreadable') return
  if (report.contract) print(`  contract      ${report.contract}  ${safe(report.name ?? '')}`)
  if (report.verdict === 'invalid') return
  print(
    `  final height  ${report.height}${report.tentativeHeights ? `  (${report.tentativeHeights} more tentative)` : ''}`,
  )
  print(`  record hash   ${report.stateRoot}`)
  if (report.lineage !== undefined)
    print(
      `  lineage       ${report.lineage}, without ${red((report.leftOut ?? []).map(({ name }) => safe(name)).join(', '))}, proved to have signed two histories`,
    )
  if (report.basisHeight !== undefined)
    print(`  taken on signatures  all before ledger block ${report.basisHeight}, with which the file begins`)
  if (report.recomputed.takenOutcomes > 0)
    print(
      `  taken on signatures  what ${report.recomputed.takenOutcomes} requests came to: their values are from before the exporter came in`,
    )
  printJudged(report)
  for (const member of report.members) {
    const mark = member.identified ? green('✓ known to you') : yellow('? not known to you')
    print(`  signed by     ${formatFingerprint(member.party)}  ${bold(safe(member.name))}  ${mark}`)
  }
  if (report.verdict === 'unidentified' && finding?.rule === 'BUN-4')
    print(dim('  If the word of its members will do for that: --from-checkpoint.'))
  else if (report.verdict === 'unidentified')
    print(dim('  A bundle’s own keys prove nothing: name the parties you know with --trust or --card.'))
}
