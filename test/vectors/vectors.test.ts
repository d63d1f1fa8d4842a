/** Every vector by our implementation: what is valid is taken, and comes to what the file says; what is not is refused. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { REGISTRY } from '../../src/crypto/errors.ts'
import { FOLDERS } from './folders.ts'
import { judge } from './judge.ts'
import { bytesOf, type Vector } from './vector.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

const vectorsIn = (folder: string): Vector[] =>
  readdirSync(join(here, folder))
    .sort()
    .map((file) => ({
      name: file.replace(/\.json$/, ''),
      ...JSON.parse(readFileSync(join(here, folder, file), 'utf8')),
    }))

/**
 * Where a part of a format is malformed, our auditor names the rule of the whole, and a few others less narrowly: what it may
 * name in place of which rule.
 */
const OF_THE_WHOLE: Readonly<Record<string, readonly string[]>> = {
  'BLK-2': ['BLK-1'],
  'BLK-3': ['BLK-1', 'EPO-7'],
  'EPO-14': ['BLK-1'],
  'JUD-1': ['BLK-1'],
  'CARD-1': ['CARD-2', 'REQ-1'],
  'EPO-1': ['REQ-1'],
  'EPO-2': ['REQ-6'],
  'EVI-1': ['REQ-1'],
  'EVI-4': ['EVI-1'],
  'EVI-5': ['EVI-1'],
  'GEN-1': ['REQ-1'],
  'ELE-1': ['REQ-1', 'GEN-1'],
  'ELE-2': ['REQ-1', 'GEN-1'],
  'ELE-3': ['REQ-1', 'GEN-1'],
  'REQ-2': ['REQ-1'],
  'REQ-3': ['REQ-1', 'GEN-1'],
}

function checkAll(folder: string): void {
  it.each(vectorsIn(folder))('$name', ({ context, input, expect: expected }) => {
    const judgement = judge(folder, bytesOf(input), context)
    if (expected.valid || judgement.valid) {
      expect(judgement).toEqual(expected)
      return
    }
    // The code of a check by itself, the rule of the auditor's finding, or both.
    const { rule, code, ...more } = judgement
    expect(code).toBe(expected.code)
    if (rule === undefined) expect(code).toBeDefined()
    else if (expected.rule !== 'ENC-1')
      expect([expected.rule, ...(OF_THE_WHOLE[expected.rule] ?? [])]).toContain(rule)
    expect(expected).toMatchObject(more)
  })
}

describe('[ENC-1] the vectors in json', () => checkAll('json'))
describe('[SIG-2] the vectors in signature', () => checkAll('signature'))
describe('[CARD-1] [CARD-2] the vectors in card', () => checkAll('card'))
describe('[VAL-1] [VAL-2] [VAL-4] [VAL-5] the vectors in opening', () => checkAll('opening'))
describe('[REQ-1] [REQ-2] [REQ-3] [REQ-5] [REQ-6] [SIG-1] [EPO-1] [EPO-2] the vectors in request', () =>
  checkAll('request'))
describe('[GEN-1] [GEN-2] [ELE-1] the vectors in genesis', () => checkAll('genesis'))
describe('[BLK-1] [BLK-2] [BLK-3] [BLK-4] [JUD-1] [JUD-2] [JUD-3] [REQ-4] [REQ-7] [EPO-2] [EPO-3] [EPO-4] [EPO-5] [EPO-6] [EPO-7] [EPO-8] [EPO-9] [EPO-10] [EPO-11] [EPO-14] the vectors in ledger-block', () =>
  checkAll('ledger-block'))
describe('[SIG-3] [ORD-1] the vectors in statement', () => checkAll('statement'))
describe('[ORD-1] the vectors in certificate', () => checkAll('certificate'))
describe('[CHK-1] [CHK-2] the vectors in checkpoint', () => checkAll('checkpoint'))
describe('[CHK-1] [CHK-2] [COS-2] the vectors in cosignature', () => checkAll('cosignature'))
describe('[EVI-1] [EVI-2] [EVI-4] the vectors in evidence', () => checkAll('evidence'))
describe('[EVI-5] the vectors in evidence-file', () => checkAll('evidence-file'))
describe('[LIN-1] the vectors in freeze', () => checkAll('freeze'))
describe('[LIN-2] [LIN-3] the vectors in resolve', () => checkAll('resolve'))
describe('[BUN-1] [BUN-2] [BUN-3] [BUN-4] [COS-3] [ORD-7] [EPO-11] [LIN-3] the vectors in bundle', () =>
  checkAll('bundle'))

describe('the vectors', () => {
  const all = Object.keys(FOLDERS).flatMap((folder) =>
    vectorsIn(folder).map((vector) => ({ ...vector, path: `${folder}/${vector.name}` })),
  )

  it('name rules that PROTOCOL.md defines and codes of the registry', () => {
    const protocol = readFileSync(join(here, '../../PROTOCOL.md'), 'utf8')
    const faulty = all.flatMap(({ path, expect: expected }) => {
      if (expected.valid) return []
      const { rule, code } = expected
      const isDefined = protocol.includes(`**[${rule}]**`) && (code === undefined || code in REGISTRY)
      return isDefined ? [] : [`${path} ${rule} ${code}`]
    })
    expect(faulty).toEqual([])
  })

  it('say each in a sentence what is in them', () => {
    expect(all.filter(({ about }) => !/^[A-ZÉ].*\.$/.test(about)).map(({ path }) => path)).toEqual([])
  })
})
