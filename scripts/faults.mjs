// The tests of test/faults, and those of processes that are killed at every step of something, with every fault lasting longer
// and every step met: COUNTERSIGN_LONG says so to them, on any system's shell.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const [, , ...given] = process.argv
const files = given.length > 0 ? given : ['test/faults', 'test/process/kills-']
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'faults', '--project', 'process', '--no-file-parallelism', ...files],
  { cwd: root, stdio: 'inherit', env: { ...process.env, COUNTERSIGN_LONG: '1' } },
)
process.exitCode = status ?? 1
