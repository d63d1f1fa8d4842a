/** `evidence`: who has signed against themselves, for people and as a file; and the check of such a file. */
import { closeSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { CountersignError } from '../../crypto/errors.ts'
import { formatFingerprint } from '../../identity/card.ts'
import { EVIDENCE_FILE_MAX_BYTES, type EvidenceReport } from '../../verify/evidence-file.ts'
import { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, red, safe, yellow } from '../output.ts'
import { findContract } from './find.ts'

type Details = {
  id: string
  name: string
  status: string
  reason?: string
  halt?: { next: string }
  evidence: { id: string; kind: string; party: string; name: string; text: string }[]
}

export async function showEvidence(
  text: string,
  options: { data: string; output?: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const details = await client.get<Details>(`/api/contracts/${id}`)
  if (options.output !== undefined) {
    const file = await (await client.fetch(`/api/contracts/${id}/evidence`)).text()
    const partial = `${options.output}.part`
    writeFileSync(partial, file)
    renameSync(partial, options.output)
  }
  if (options.json) {
    const { status, reason, evidence } = details
    printJson({ contract: id, status, reason, evidence, file: options.output })
    return
  }
  const state = details.status === 'halted' ? red('HALTED') : green(details.status)
  print(`${bold(safe(details.name))}  ${state}`)
  if (details.reason) print(`  ${safe(details.reason)}`)
  if (details.halt) print(`  ${safe(details.halt.next)}`)
  if (details.evidence.length === 0) print('  No member is known to have signed against itself.')
  for (const one of details.evidence)
    print(`  ${red('✗')} ${bold(safe(one.name))}  ${formatFingerprint(one.party)}  ${one.text}`)
  if (options.output !== undefined) {
    print(`${green('✓')} written to ${options.output}`)
    print(dim(`  Anyone can check it: countersign verify ${options.output} --trust FINGERPRINT…`))
  } else if (details.evidence.length > 0)
    print(dim('  Write it to a file that anyone can check: countersign evidence … -o FILE'))
}

/** The first characters of a file. @throws CountersignError `not-found` */
export function startOf(file: string): string {
  return reading(file, () => {
    const descriptor = openSync(file, 'r')
    try {
      const start = Buffer.alloc(256)
      return start.toString('latin1', 0, readSync(descriptor, start))
    } finally {
      closeSync(descriptor)
    }
  })
}

/** @throws CountersignError `not-found`, `too-large` */
export function readWhole(file: string): string {
  return reading(file, () => {
    if (statSync(file).size > EVIDENCE_FILE_MAX_BYTES)
      throw new CountersignError('too-large', `${file} is larger than ${EVIDENCE_FILE_MAX_BYTES} bytes`)
    return readFileSync(file, 'utf8')
  })
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CountersignError) throw error
    throw new CountersignError('not-found', `${file} can’t be read: ${(error as Error).message}`)
  }
}

export function printEvidenceReport(file: string, report: EvidenceReport): void {
  const titles = {
    valid: green('EVIDENCE HOLDS: every accused identified'),
    invalid: red('INVALID: it proves nothing'),
    unreadable: red('UNREADABLE: this is no evidence file'),
    unidentified: yellow('EVIDENCE HOLDS, THE ACCUSED UNIDENTIFIED'),
  }
  print(`${bold(file)}  ${titles[report.verdict]}`)
  const { finding } = report
  if (finding) print(`  ${red(`[${finding.rule}]`)} ${safe(finding.place)}: ${safe(finding.message)}`)
  if (report.verdict === 'unreadable') return
  print(`  contract  ${report.contract}  ${safe(report.name ?? '')}`)
  if (report.verdict === 'invalid') return
  for (const { party, name, identified, evidence } of report.accused) {
    const mark = identified ? green('✓ known to you') : yellow('? not known to you')
    print(`  accused   ${formatFingerprint(party)}  ${bold(safe(name))}  ${mark}`)
    for (const { text } of evidence) print(`            ${red('✗')} ${text}`)
  }
  if (report.verdict === 'unidentified')
    print(dim('  A file’s own keys prove nothing: name the parties you know with --trust or --card.'))
}
