/** Files named while a node was away, at one that may read the ledger again before it may sign. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
let id: string
beforeAll(async () => {
  nodes = await startNodes(4)
  id = await nodes.contract('files', '{"Doc":{"Text":"x"}}')
})
afterAll(() => nodes.close())

it('[FIL-3] has what was named meanwhile, though only one other is there and it may sign nothing yet', async () => {
  const [first, second, third, away] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
  await away.stop()
  const bytes = randomBytes(1000)
  const hash = createHash('sha256').update(bytes).digest('hex')
  const answer = await first.call('PUT', `/records/${id}/Doc/Meanwhile`, {
    body: bytes,
    headers: {
      'content-type': 'application/pdf',
      'content-disposition': 'attachment',
      prefer: 'wait=30, until=tentative',
    },
  })
  expect(answer.status).toBe(201)
  await second.stop()
  await third.stop()
  await away.start()
  await until(() => away.node.files?.disk.sizeOf(hash) !== undefined)
  expect(away.node.engine.replica(id).phase).toBe('starting')
})
