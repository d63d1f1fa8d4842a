/** A contract's ledger blocks, with who has signed them. */

import { type AnyLedgerBlock, entriesOf, requestIdsOf, turnOf } from '../../ledger/turn.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { codeWithWords } from '../outcome-words.ts'
import {
  type BlockSummary,
  blockDetails,
  blockPage,
  blocksQuery,
  contractParams,
  heightParams,
  shortBlocksQuery,
} from '../schemas.ts'
import { membersOf } from '../views.ts'

export function ledgerRoutes(app: App, context: Context): void {
  app.get(
    '/api/contracts/:contract/ledger-blocks',
    {
      schema: {
        summary: 'Ledger blocks by height',
        tags: ['ledger'],
        params: contractParams,
        querystring: blocksQuery,
        response: { 200: blockPage },
      },
    },
    async (request) => page(context, request.params.contract, request.query),
  )
  app.get(
    '/ledger-blocks',
    {
      schema: {
        summary: 'Short for /api/contracts/{contract}/ledger-blocks',
        tags: ['ledger'],
        querystring: shortBlocksQuery,
        response: { 200: blockPage },
      },
    },
    async (request) => page(context, request.query.contract, request.query),
  )
  app.get(
    '/api/contracts/:contract/ledger-blocks/:height',
    {
      schema: {
        summary: 'One ledger block: header, entries, certificates, who has cosigned it',
        tags: ['ledger'],
        params: heightParams,
        response: { 200: blockDetails },
      },
    },
    async (request) => details(context, request.params.contract, request.params.height),
  )
}

function page(context: Context, contract: string, query: { from?: number; limit: number }) {
  const { fromHeight } = context.replica(contract)
  const { states, node } = context
  const from = Math.max(query.from ?? 0, fromHeight)
  const { limit } = query
  const finalHeight = states.finalHeight(contract)
  const last = states.tentative(contract).height
  const count = Math.max(0, Math.min(limit, last + 1 - from))
  node.engine.flush()
  const stored = states.read(contract, () => node.store.blocks(contract, from, count)) ?? []
  const blocks = stored.map(
    ({ hash, block: { header, entries } }): BlockSummary => ({
      height: header.height,
      hash,
      header,
      entries: entries.length,
      stage: header.height <= finalHeight ? 'final' : 'tentative',
    }),
  )
  const next = from + blocks.length
  return { contract, blocks, ...(next <= last && blocks.length > 0 && { nextFrom: next }) }
}

/** What a block that ends an epoch brings. */
function turnView(block: AnyLedgerBlock) {
  const turn = turnOf(block)
  if (turn === undefined) return {}
  const { epoch, members, observers, policy, change } = turn
  return {
    turn: {
      epoch,
      members,
      observers: (observers ?? []).map(([party]) => party),
      policy,
      ...(change && { change }),
    },
  }
}

function details(context: Context, contract: string, height: number) {
  const replica = context.replica(contract)
  const { hash, block, notarization, commit } = context.states.block(contract, height)
  const ids = requestIdsOf(block)
  const requests = context.states.read(contract, () => context.node.store.requestsOf(contract, ids))
  const { names } = replica.roster
  const nameOf = (party: string): string => names.get(party) ?? party
  const sizes = membersOf(replica).map((one) => ({ ...one, size: replica.finality.sizeOf(one.party) }))
  return {
    contract,
    hash,
    stage: height <= context.states.finalHeight(contract) ? ('final' as const) : ('tentative' as const),
    header: block.header,
    ...turnView(block),
    entries: entriesOf(block).map(({ request, outcome, code, rule, element, judgement }) => {
      const author = requests?.get(request)?.request.author
      return {
        request,
        ...(author !== undefined && { author, authorName: nameOf(author) }),
        outcome,
        ...codeWithWords(code),
        ...(rule !== undefined && { rule }),
        ...(element !== undefined && { element }),
        ...(judgement && { judgedBy: judgement.map(({ party }) => ({ party, name: nameOf(party) })) }),
      }
    }),
    ...(notarization && { notarization }),
    ...(commit && { finalization: commit }),
    cosignedBy: sizes.filter(({ size }) => size > height),
    waitingFor: sizes.filter(({ size }) => size <= height).map(({ party, name }) => ({ party, name })),
  }
}
