/** Evidence over HTTP, and as the file that `countersign verify` reads. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paths } from '../../src/cli/directory.ts'
import { cosign } from '../../src/ledger/checkpoint.ts'
import { loadKeys } from '../../src/signer/keys.ts'
import { isEvidenceFile, verifyEvidenceFile } from '../../src/verify/evidence-file.ts'
import { type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

it('[EVI-1] [EVI-5] what a member has signed against itself is told by every node, and can be taken to anybody', async () => {
  const contract = await nodes.contract('evidence', '{"Amount":"1"}')
  const [victim, other, liar] = [nodes.at(0), nodes.at(1), nodes.at(2)]
  const path = `/api/contracts/${contract}`
  const none = await victim.get(`${path}/evidence`)
  expect([none.status, none.json<{ code: string }>().code]).toEqual([404, 'not-found'])
  const genuine = victim.node.engine.replica(contract).finality.highest(liar.party)
  const forged = {
    contract,
    lineage: 0,
    epoch: 0,
    size: genuine?.size ?? 0,
    root: '1'.repeat(64),
    block: '2'.repeat(64),
    stateRoot: '3'.repeat(64),
  }
  const { cosign: key } = loadKeys(paths(liar.directory).keys)
  const cosignature = cosign(key.privateKey, liar.party, forged, 1)
  // What its node would send if it lied.
  const engine = liar.node.engine
  engine.send(contract, victim.party, { type: 'COSIGN', cosignature })
  await liar.put(`/records/${contract}/Amount`, '2')
  type Details = { status: string; evidence: { party: string; name: string; text: string }[] }
  for (const node of [victim, other]) {
    await until(async () => (await node.get(path)).json<Details>().evidence.length === 2)
    const { status, evidence } = (await node.get(path)).json<Details>()
    expect(status, 'one liar halts nothing').toBe('accepted')
    expect(evidence.map(({ party, name }) => [party, name])).toEqual(Array(2).fill([liar.party, liar.name]))
    expect(evidence.map(({ text }) => text).sort()).toEqual([
      'cosigned a history of size 1 and one of size 2 that does not extend it',
      'cosigned two histories of size 1',
    ])
    const file = await node.get(`${path}/evidence`)
    expect(file.status).toBe(200)
    expect(isEvidenceFile(file.text)).toBe(true)
    const report = verifyEvidenceFile(file.text, new Set([liar.party]))
    expect(report).toMatchObject({ verdict: 'valid', exporter: node.party, accused: [{ party: liar.party }] })
  }
})
