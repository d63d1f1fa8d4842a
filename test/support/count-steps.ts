/**
 * Counts what code does, so that a test can say "linear" without a clock: how often each block of its source ran, summed
 * up. The counts are V8's own and exact, whatever the machine. V8 counts only in what it compiles after it was told to,
 * so the code is bundled and evaluated afresh; and it counts all only without optimising. What one native call does
 * inside (a regular expression, `indexOf`) is one step.
 */
import { type Profiler, Session } from 'node:inspector'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { buildSync } from 'esbuild'

type FunctionCoverage = Profiler.FunctionCoverage

export interface Counted<Module> {
  /** A fresh copy of the module and everything it imports. */
  module: Module
  /** Steps taken in that copy while `run` runs. */
  steps(run: () => void): number
  /** How often each of its functions was called meanwhile, by name; those of one name together. */
  calls(run: () => void): ReadonlyMap<string, number>
  /** Ends the counting; the copy stays usable. */
  close(): void
}

let copies = 0

/** Loads the named source files (relative to the project) as one module whose steps are counted. */
export function loadCounted<Module>(...files: string[]): Counted<Module> {
  const root = resolve(import.meta.dirname, '../..')
  const built = buildSync({
    stdin: { contents: files.map((file) => `export * from './${file}'`).join('\n'), resolveDir: root },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
  })
  // Optimised code loses count of calls that it inlines. Maglev, where a Node has it, stays off: that costs tests only time.
  setFlagsFromString('--no-maglev')
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const filename = `counted-${copies++}.cjs`
  const wrapper = runInThisContext(`(module, require) => {${built.outputFiles[0]?.text}\n}`, { filename })
  const loaded: { exports: Module } = { exports: {} as Module }
  wrapper(loaded, process.getBuiltinModule)
  const take = (): FunctionCoverage[] => {
    let taken: FunctionCoverage[] = []
    session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error
      taken = coverage.result.filter(({ url }) => url === filename).flatMap(({ functions }) => functions)
    })
    return taken
  }
  const during = (run: () => void): FunctionCoverage[] => {
    take()
    setFlagsFromString('--no-opt')
    try {
      run()
      return take()
    } finally {
      setFlagsFromString('--opt')
    }
  }
  return {
    module: loaded.exports,
    steps(run) {
      let steps = 0
      for (const { ranges } of during(run)) for (const { count } of ranges) steps += count
      return steps
    },
    calls(run) {
      const calls = new Map<string, number>()
      for (const { functionName, ranges } of during(run))
        calls.set(functionName, (calls.get(functionName) ?? 0) + (ranges[0]?.count ?? 0))
      return calls
    },
    close() {
      session.post('Profiler.stopPreciseCoverage')
      session.disconnect()
    },
  }
}
