/**
 * `npm run bench -- --elements 100000`: what an edit costs in a contract of many elements beside one of a hundred, both with the
 * same rules, at the same nodes, in turns within one run. And what it takes to make the large one, to read from it, and to start
 * a node that holds it.
 */
import { NodeClient } from '../src/cli/client.ts'
import {
  cpuOf,
  load,
  type Member,
  memoryOf,
  nodesOf,
  pause,
  percentile,
  retry,
  wireBytes,
} from './measure.ts'

type Options = {
  elements: number
  clients: number
  seconds: number
  warmupSeconds: number
  restart: (member: Member) => Promise<number>
}
/** Edits of one contract, over all its turns. */
type Edits = {
  edits: number
  errors: number
  editsPerSecond: number
  p50Ms: number
  p99Ms: number
  cpuMs: number
  wireBytes: number
}
/** Median times of questions about one contract, in ms. */
type Reads = Record<'field' | 'item' | 'proof' | 'history' | 'page' | 'status' | 'contract' | 'full', number>
type Start = { answersMs: number; memory: { nowMb: number; peakMb: number } }
export type ElementsReport = {
  members: number
  clients: number
  elements: number
  /** The contract of a hundred while no other was there; then in turns with the large one. */
  alone: Edits
  few: Edits
  many: Edits
  ratio: { p50: number; p99: number; cpu: number; wireBytes: number; p50ToAlone: number; cpuToAlone: number }
  /** perElementMs: of the first tenth and of the last. */
  creation: { seconds: number; firstMs: number; lastMs: number }
  reads: { few: Reads; many: Reads }
  start: { few: Start; both: Start }
}

const FEW = 100
/** Elements of a line: its block and three fields. */
const LINE = 4
/** Lines that one request adds: of as many requests the large contract is made. */
const LINES_AT_ONCE = 250
const SLICES = 6

const RULES = [
  { path: '/Lines/Qty', behaviour: { kind: 'limits', min: '0', max: '1000000000' } },
  { path: '/Lines/Sum', behaviour: { kind: 'assignment', expression: 'Qty * Price' } },
  {
    path: '/Lines',
    behaviour: { kind: 'constraint', expression: 'Sum >= Qty', message: 'at least one each' },
  },
]

export async function elements(
  members: readonly Member[],
  { elements, clients, seconds, warmupSeconds, restart }: Options,
  say: (text: string) => void,
): Promise<ElementsReport> {
  const last = members.at(-1) as Member
  const few = await contractOf(members, 'few')
  await grow(members, few, FEW)
  say(`${clients} client(s) edit a contract of ${FEW} elements …`)
  await editsIn(members, few, FEW, clients, warmupSeconds, 0)
  const alone = summary([await editsIn(members, few, FEW, clients, seconds, 1)])
  const startFew = { answersMs: round(await restart(last)), memory: memoryOf(last) }
  say(`making one of ${elements} elements …`)
  const many = await contractOf(members, 'many')
  const creation = await grow(members, many, elements)
  say(`${clients} client(s) edit both in turns …`)
  const slices: { few: Slice[]; many: Slice[] } = { few: [], many: [] }
  await editsIn(members, many, elements, clients, warmupSeconds / 2, 0)
  for (let slice = 0; slice < SLICES; slice += 1) {
    // Whoever comes second finds the nodes warmer: they take turns in that, too.
    const order = slice % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)
    for (const which of order) {
      const [id, size] = which === 'few' ? [few, FEW] : [many, elements]
      slices[which].push(await editsIn(members, id, size, clients, seconds / SLICES, 1))
    }
  }
  say('reading …')
  const reads = {
    few: await readsOf(last, few, Math.floor(FEW / LINE / 2)),
    many: await readsOf(last, many, Math.floor(elements / LINE / 2)),
  }
  const startBoth = { answersMs: round(await restart(last)), memory: memoryOf(last) }
  const [ofFew, ofMany] = [summary(slices.few), summary(slices.many)]
  return {
    members: members.length,
    clients,
    elements,
    alone,
    few: ofFew,
    many: ofMany,
    ratio: {
      p50: ratio(ofMany.p50Ms, ofFew.p50Ms),
      p99: ratio(ofMany.p99Ms, ofFew.p99Ms),
      cpu: ratio(ofMany.cpuMs, ofFew.cpuMs),
      wireBytes: ratio(ofMany.wireBytes, ofFew.wireBytes),
      p50ToAlone: ratio(ofMany.p50Ms, alone.p50Ms),
      cpuToAlone: ratio(ofMany.cpuMs, alone.cpuMs),
    },
    creation,
    reads,
    start: { few: startFew, both: startBoth },
  }
}

/** The report as lines for people. */
export function elementsLines(report: ElementsReport): string[] {
  const { alone, few, many, ratio: to, creation, reads, start } = report
  const edits = (name: string, one: Edits): string =>
    `${name.padEnd(30)}p50 ${one.p50Ms} ms, p99 ${one.p99Ms} ms, CPU ${one.cpuMs} ms, ${one.wireBytes} bytes an edit ` +
    `(${one.editsPerSecond}/s, ${one.edits} edits${one.errors > 0 ? `, errors ${one.errors}` : ''})`
  const started = ({ answersMs, memory }: Start): string =>
    `answers after ${answersMs} ms, ${memory.nowMb} MB (at most ${memory.peakMb})`
  const names = Object.keys(reads.few) as (keyof Reads)[]
  return [
    '',
    edits(`${FEW} elements, alone`, alone),
    edits(`${FEW} elements`, few),
    edits(`${report.elements} elements`, many),
    `${'ratio'.padEnd(30)}p50 ${to.p50}, p99 ${to.p99}, CPU ${to.cpu}, bytes ${to.wireBytes}; to alone: p50 ${to.p50ToAlone}, CPU ${to.cpuToAlone}`,
    `${'made in'.padEnd(30)}${creation.seconds} s; an element took ${creation.firstMs} ms at first, ${creation.lastMs} ms at last`,
    ...names.map((name) => `${`reading: ${name}`.padEnd(30)}${reads.few[name]} ms, ${reads.many[name]} ms`),
    `${`start with ${FEW} elements`.padEnd(30)}${started(start.few)}`,
    `${'start with both'.padEnd(30)}${started(start.both)}`,
  ]
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function ratio(first: number, second: number): number {
  return round(first / second)
}

/** A contract of all members with one line, and rules in force over what is to come. */
async function contractOf(members: readonly Member[], name: string): Promise<string> {
  const [first, ...others] = members as [Member, ...Member[]]
  const document = { Title: name, Lines: [lineOf(0)] }
  const { id } = await new NodeClient(first.directory).post<{ id: string }>(
    '/api/contracts',
    JSON.stringify({ name, with: others.map(({ party }) => party), document }),
  )
  for (const { directory } of others)
    await retry(() => new NodeClient(directory).post(`/api/contracts/${id}/accept`))
  await settled(members, id)
  const wishes = RULES.map(({ path, behaviour }) => ({ draft: { do: 'add', rule: { path, behaviour } } }))
  const made = await ask<{ made: { uid: string }[] }>(first, `/api/contracts/${id}/requests`, wishes)
  for (const member of others)
    await ask(
      member,
      `/api/contracts/${id}/requests`,
      made.made.map(({ uid }) => ({ vote: uid, yes: true })),
    )
  await ask(first, `/api/contracts/${id}/requests`, [{ publish: 'agreed' }])
  return id
}

const lineOf = (index: number) => ({ Qty: 1 + (index % 7), Price: 2, Sum: 2 * (1 + (index % 7)) })

function ask<T>(member: Member, path: string, operations: readonly object[]): Promise<T> {
  return new NodeClient(member.directory).post<T>(path, JSON.stringify({ operations }))
}

/** Makes lines until the contract has so many elements. */
async function grow(
  members: readonly Member[],
  id: string,
  size: number,
): Promise<ElementsReport['creation']> {
  const [first] = members as [Member]
  const total = Math.floor(size / LINE)
  const times: number[] = []
  const startMs = performance.now()
  for (let made = 1; made < total; made += LINES_AT_ONCE) {
    const count = Math.min(LINES_AT_ONCE, total - made)
    const beganMs = performance.now()
    await ask(
      first,
      `/api/contracts/${id}/requests`,
      Array.from({ length: count }, (_, index) => {
        // What a rule computes is not given.
        const { Sum: _sum, ...value } = lineOf(made + index)
        return [
          { create: { parent: '/Lines', value } },
          { create: { parent: `/Lines[${made + index + 1}]`, name: 'Sum', type: 'integer' } },
        ]
      }).flat(),
    )
    times.push((performance.now() - beganMs) / (count * LINE))
  }
  const seconds = (performance.now() - startMs) / 1000
  await settled(members, id)
  const tenth = Math.max(1, Math.floor(times.length / 10))
  const mean = (part: readonly number[]): number =>
    Math.round((part.reduce((sum, one) => sum + one, 0) / part.length) * 1000) / 1000
  return {
    seconds: round(seconds),
    firstMs: mean(times.slice(0, tenth)),
    lastMs: mean(times.slice(-tenth)),
  }
}

/** All members hold the same, and all of it is final. */
async function settled(members: readonly Member[], id: string): Promise<void> {
  await retry(async () => {
    const views = await Promise.all(
      members.map(({ directory }) =>
        new NodeClient(directory).get<{ height: number; finalHeight: number }>(`/api/contracts/${id}`),
      ),
    )
    if (views.some(({ height, finalHeight }) => finalHeight !== height || height !== views[0]?.height))
      throw new Error('not all members hold the same yet')
  })
}

type Slice = { latenciesMs: number[]; errors: number; seconds: number; cpuMs: number; wireBytes: number }

/** Quantities are set, each client its own ones, all over the lines. */
async function editsIn(
  members: readonly Member[],
  id: string,
  size: number,
  clients: number,
  seconds: number,
  warmupSeconds: number,
): Promise<Slice> {
  const lines = Math.floor(size / LINE)
  const own = Math.max(1, Math.floor(lines / clients))
  const paths = Array.from({ length: clients * Math.min(own, 100) }, (_, index) => {
    const line = Math.floor((index * lines) / (clients * Math.min(own, 100)))
    return [`${id}/Lines[${1 + line}]/Qty`]
  })
  let [cpuBefore, wireBefore] = [0, 0]
  const result = await load(
    { nodes: nodesOf(members), clients, paths, valueBytes: 0, seconds, warmupSeconds },
    async () => {
      cpuBefore = cpuOf(members)
      wireBefore = await wireBytes(members)
    },
  )
  return {
    latenciesMs: result.latenciesMs,
    errors: result.errors + result.conflicted,
    seconds: result.seconds,
    cpuMs: (cpuOf(members) - cpuBefore) * 1000,
    wireBytes: (await wireBytes(members)) - wireBefore,
  }
}

function summary(slices: readonly Slice[]): Edits {
  const sorted = slices.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b)
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, one) => total + of(one), 0)
  const edits = sorted.length
  return {
    edits,
    errors: sum(({ errors }) => errors),
    editsPerSecond: round(edits / sum(({ seconds }) => seconds)),
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    cpuMs: round(sum(({ cpuMs }) => cpuMs) / edits),
    wireBytes: Math.round(sum((one) => one.wireBytes) / edits),
  }
}

/** How long a node takes to answer, the median of several times. */
async function readsOf(member: Member, id: string, line: number): Promise<Reads> {
  const client = new NodeClient(member.directory)
  const time = async (path: string, times: number): Promise<number> => {
    const taken: number[] = []
    for (let index = 0; index < times; index += 1) {
      const startMs = performance.now()
      await (await client.fetch(path)).arrayBuffer()
      taken.push(performance.now() - startMs)
    }
    return percentile(
      taken.sort((a, b) => a - b),
      0.5,
    )
  }
  await pause(500)
  const at = `/records/${id}/Lines[${line}]`
  return {
    field: await time(`${at}/Qty`, 50),
    item: await time(at, 50),
    proof: await time(`${at}/Qty/$proof`, 50),
    history: await time(`${at}/Qty/$history`, 20),
    page: await time(`/api/contracts/${id}/elements`, 20),
    status: await time(`/records/${id}/$status`, 10),
    contract: await time(`/api/contracts/${id}`, 50),
    full: await time(`/api/contracts/${id}/full`, 3),
  }
}
