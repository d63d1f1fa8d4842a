/** What the ways of measuring share: the nodes' figures, the load in a process of its own, percentiles. */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NodeClient } from '../src/cli/client.ts'
import type { WorkerResult, WorkerTask } from './worker.ts'

export type Member = {
  directory: string
  port: number
  apiPort: number
  party: string
  process: ChildProcess
}

/** Where the bench itself was built to. */
export const here = dirname(fileURLToPath(import.meta.url))

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** CPU seconds a process has used (Linux); 0 where /proc is missing. */
function cpuSeconds(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

/** CPU seconds that the nodes have used together. */
export function cpuOf(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + cpuSeconds(member.process.pid), 0)
}

/** Memory that a process holds now, and the most it ever held, in MB (Linux); 0 where /proc is missing. */
export function memoryOf({ process: { pid } }: Member): { nowMb: number; peakMb: number } {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    const of = (name: string): number =>
      Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024)
    return { nowMb: of('VmRSS'), peakMb: of('VmHWM') }
  } catch {
    return { nowMb: 0, peakMb: 0 }
  }
}

async function metric(member: Member, name: string): Promise<number> {
  const text = await (await new NodeClient(member.directory).fetch('/metrics')).text()
  let sum = 0
  for (const line of text.split('\n'))
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.split(' ').at(-1))
  return sum
}

/** Bytes that the nodes have sent one another so far. */
export async function wireBytes(members: readonly Member[]): Promise<number> {
  const sent = await Promise.all(members.map((member) => metric(member, 'countersign_wire_bytes_sent_total')))
  return sent.reduce((sum, one) => sum + one, 0)
}

export async function retry<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await action()
    } catch (error) {
      if (tries > 300) throw error
      await pause(100)
    }
  }
}

export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return Math.round(value * 100) / 100
}

/** Runs a load in a process of its own; `onStart` is told when what counts begins. */
export async function load(task: WorkerTask, onStart: () => Promise<void>): Promise<WorkerResult> {
  return new Promise((resolve, reject) => {
    const worker = fork(join(here, 'bench-worker.js'))
    worker.send(task)
    worker.on('message', (message: { started?: true; result?: WorkerResult }) => {
      if (message.started) void onStart()
      if (message.result) resolve(message.result)
    })
    worker.on('exit', (code) => (code === 0 ? undefined : reject(new Error(`the load ended with ${code}`))))
  })
}

/** The nodes as a load reaches them. */
export function nodesOf(members: readonly Member[]): WorkerTask['nodes'] {
  return members.map(({ directory, apiPort }) => ({
    host: '127.0.0.1',
    port: apiPort,
    token: new NodeClient(directory).bearer,
  }))
}
