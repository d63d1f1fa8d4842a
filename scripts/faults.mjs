// The tests of test/faults with every fault lasting longer: COUNTERSIGN_LONG says so to them, on any system's shell.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'faults', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, COUNTERSIGN_LONG: '1' } },
)
process.exitCode = status ?? 1
