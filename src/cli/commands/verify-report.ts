/** `verify report`: a signed report, checked with no node running. */
import { createReadStream } from 'node:fs'
import { CountersignError } from '../../crypto/errors.ts'
import { formatFingerprint } from '../../identity/card.ts'
import type { AuditedContract } from '../../verify/report-contract.ts'
import { type ReportAudit, ReportVerifier } from '../../verify/report-verifier.ts'
import { bold, dim, green, print, red, safe, time, yellow } from '../output.ts'
import { leftOutTexts } from './report.ts'

/** Streams a report through the verifier. @throws CountersignError `not-found` where the file can't be read */
export async function verifyReportFile(file: string, trusted: ReadonlySet<string>): Promise<ReportAudit> {
  const verifier = new ReportVerifier(trusted)
  try {
    for await (const chunk of createReadStream(file)) verifier.bytes(chunk as Buffer)
  } catch (error) {
    throw new CountersignError('not-found', `${file} can’t be read: ${(error as Error).message}`)
  }
  return verifier.end()
}

export function printReportAudit(file: string, audit: ReportAudit): void {
  const titles = {
    valid: green('VALID: every signer identified'),
    invalid: red('INVALID'),
    unreadable: red('UNREADABLE: this is not a signed report'),
    unidentified: yellow('CONSISTENT IN ITSELF, NOT ALL OF IT PROVED TO YOU'),
  }
  print(`${bold(file)}  ${titles[audit.verdict]}`)
  const { finding, reporter, atMs = 0, madeMs = 0, leftOut, contracts } = audit
  if (finding) print(`  ${red(`[${finding.rule}]`)} ${safe(finding.place)}: ${safe(finding.message)}`)
  if (audit.verdict === 'unreadable' || audit.verdict === 'invalid' || reporter === undefined) return
  print(`  as of       ${time(atMs)}${dim(`  made ${time(madeMs)}, by the reporter’s clock`)}`)
  print(`  reported by ${partyText(reporter)}`)
  for (const text of leftOut ? leftOutTexts(leftOut) : [])
    print(dim(`  left out, on the reporter’s word: ${text}`))
  for (const one of contracts) printContract(one)
  if (audit.verdict === 'unidentified')
    print(dim('  A file’s own keys prove nothing: name the parties you know with --trust or --card.'))
}

function printContract(one: AuditedContract): void {
  const withheld = one.withheld > 0 ? ` (${one.withheld} private)` : ''
  const notHeld = one.notHeld > 0 ? `, ${one.notHeld} of them without their value${withheld}` : ''
  print()
  print(`  ${bold(safe(one.name))}  ${dim(one.contract)}`)
  print(`  height ${one.height}, final  ${time(one.timeMs)}  record hash ${one.recordHash}`)
  print(
    `  ${one.fields} ${one.fields === 1 ? 'field' : 'fields'} proved${notHeld}${one.whole ? ': the whole document' : ''}`,
  )
  for (const member of one.members) print(`  signed by   ${partyText(member)}`)
  for (const { name } of one.gone)
    print(
      yellow(
        `  ${safe(name)} was a first member, and is none in epoch ${one.epoch}, on the word of those who are`,
      ),
    )
  for (const { name } of one.excluded)
    print(
      yellow(`  ${safe(name)} is left out of lineage ${one.lineage}; why, an export of the contract shows`),
    )
}

function partyText({
  party,
  name,
  identified,
}: {
  party: string
  name: string
  identified: boolean
}): string {
  const mark = identified ? green('✓ known to you') : yellow('? not known to you')
  return `${formatFingerprint(party)}  ${bold(safe(name))}  ${mark}`
}
