/** The way to a state, told step by step. */
import type { Local } from './local.ts'
import { describeMove, type Move } from './moves.ts'
import type { Locals, Search } from './search.ts'

/** The shortest way from the start to a state of the table. */
export function traceOf(search: Search, index: number): string[] {
  const path: number[] = []
  for (let at = index; at >= 0; at = search.table.parentOf(at)) path.unshift(at)
  const width = search.honest.length
  const [before, after] = [new Int32Array(width), new Int32Array(width)]
  const lines: string[] = []
  for (const [step, at] of path.entries()) {
    search.table.read(at, after)
    if (step === 0) lines.push(...startOf(search, after))
    const mover = step === 0 ? -1 : after.findIndex((local, place) => local !== before[place])
    const locals = search.locals[mover]
    if (locals) {
      const moves = search.possibleAt(before)
      lines.push(...wayOf(search, locals, before[mover] as number, after[mover] as number, moves))
    }
    before.set(after)
  }
  return lines
}

/** What members do before anything has happened to them. */
function startOf(search: Search, tuple: Int32Array): string[] {
  return search.locals.flatMap(({ list, member }, at) => {
    const local = list[tuple[at] as number]
    const said = local?.said.map((saying) => search.universe.sayings[saying]?.name) ?? []
    return said.length === 0 ? [] : [`member ${member.self} starts ⇒ signs ${said.join('; signs ')}`]
  })
}

/** One member's way from one of its states to another, by the fewest moves. */
function wayOf(search: Search, locals: Locals, from: number, to: number, moves: readonly number[]): string[] {
  const cameBy = new Map<number, { from: number; move: number }>()
  const queue = [from]
  for (const at of queue) {
    if (at === to) break
    for (const move of moves) {
      const next = locals.next(at, move)
      if (next < 0 || next === from || cameBy.has(next)) continue
      cameBy.set(next, { from: at, move })
      queue.push(next)
    }
  }
  const lines: string[] = []
  for (let at = to; at !== from; ) {
    const step = cameBy.get(at)
    if (!step) throw new Error('a state is not reached from the one it was found from')
    const done = describeDone(search, locals.list[step.from] as Local, locals.list[at] as Local)
    const move = describeMove(search.universe, search.moves[step.move] as Move)
    lines.unshift(`member ${locals.member.self} ${move}${done}`)
    at = step.from
  }
  return lines
}

/** What a member has done in one move. */
function describeDone({ universe }: Search, before: Local, after: Local): string {
  const signed = after.said
    .filter((saying) => !before.said.includes(saying))
    .map((saying) => `signs ${universe.sayings[saying]?.name}`)
  const cosigned = after.cosigned.slice(before.cosigned.length).map((block) => {
    return `commits and cosigns ${universe.block(block).name}`
  })
  const entered = after.state.view > before.state.view ? [`enters view ${after.state.view}`] : []
  const halted = after.halted !== before.halted ? [`halts: ${after.halted}`] : []
  const ended = epochOf(after) > epochOf(before) ? [`begins epoch ${epochOf(after)}`] : []
  const fault = after.fault !== before.fault ? [after.fault?.detail ?? ''] : []
  const done = [...entered, ...signed, ...cosigned, ...ended, ...halted, ...fault]
  return done.length === 0 ? '' : ` ⇒ ${done.join('; ')}`
}

const epochOf = ({ state }: Local): number => state.config.electorate.epoch
