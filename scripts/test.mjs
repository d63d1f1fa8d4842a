// Runs the areas of test/areas.json in order and ends with one line of counts.
//
//   npm test                          every area
//   npm test -- unit process          these areas only
//   npm test -- unit -t 'JCS-2'       tests whose title matches, within the areas named
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const packages = join(root, 'node_modules')
const areas = JSON.parse(readFileSync(join(root, 'test/areas.json'), 'utf8'))

/**
 * An area may take this many times its budget before it counts as failed, and this many before it is stopped.
 */
const failAtBudgets = 2
const stopAtBudgets = 4

const { names, titlePattern } = readArguments()
const temporary = mkdtempSync(join(tmpdir(), 'countersign-test-'))
const total = { passed: 0, failed: [], skipped: [] }
try {
  for (const area of areas) {
    if (names.length > 0 ? names.includes(area.name) : titlePattern === undefined || area.folder)
      await runArea(area)
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
report()

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { testNamePattern: { type: 'string', short: 't' } },
    })
    const unknown = positionals.filter((name) => !areas.some((area) => area.name === name))
    if (unknown.length > 0) throw new Error(`No area is called ${unknown.join(', ')}.`)
    return { names: positionals, titlePattern: values.testNamePattern }
  } catch (error) {
    console.error(
      `${error.message}\nUse: npm test -- [${areas.map(({ name }) => name).join(' | ')}]… [-t title]`,
    )
    process.exit(2)
  }
}

async function runArea(area) {
  if (area.folder && !hasTests(join(root, area.folder))) return
  console.log(`\n── ${area.name} ──`)
  const startedMs = performance.now()
  const result = area.folder ? await runProject(area) : await runCheck(area)
  const minutes = (performance.now() - startedMs) / 60_000

  if (minutes > area.budgetMinutes * failAtBudgets) {
    result.failed.push(`${area.name} (took more than ${failAtBudgets} times its budget)`)
  }
  const over = minutes > area.budgetMinutes ? ', OVER BUDGET' : ''
  console.log(`${area.name}: ${counts(result)} in ${clock(minutes)} of ${clock(area.budgetMinutes)}${over}`)
  total.passed += result.passed
  total.failed.push(...result.failed)
  total.skipped.push(...result.skipped)
}

/** A command that passes or fails as a whole counts as one test; it shows its output only when it fails. */
async function runCheck(area) {
  const [script, ...options] = area.command
  const { code, output } = await run(area, [join(packages, script), ...options], {}, 'pipe')
  if (code === 0) return { passed: 1, failed: [], skipped: [] }
  console.log(output.trimEnd())
  return { passed: 0, failed: [area.name], skipped: [] }
}

async function runProject(area) {
  const file = join(temporary, `${area.name}.json`)
  const options = [
    'run',
    '--project',
    area.name,
    '--reporter=dot',
    '--reporter=./scripts/vitest-reporter.mjs',
  ]
  const environment = { COUNTERSIGN_TEST_REPORT: file }
  if (titlePattern !== undefined) {
    options.push('-t', titlePattern)
    environment.COUNTERSIGN_TEST_FILTERED = '1'
  }
  const { code } = await run(area, [join(packages, 'vitest/vitest.mjs'), ...options], environment, 'inherit')
  const result = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: [], skipped: [] }
  if (code !== 0 && result.failed.length === 0) {
    result.failed.push(
      `${area.name} (${result.unhandled ? 'an error outside any test' : `ended with ${code}`})`,
    )
  }
  return result
}

/** Runs a Node script to its end, or stops it when it is far over its budget. */
function run(area, nodeArguments, environment, output) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, nodeArguments, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
    })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    const stop = setTimeout(() => child.kill('SIGKILL'), area.budgetMinutes * stopAtBudgets * 60_000)
    child.on('close', (code, signal) => {
      clearTimeout(stop)
      resolve({ code: code ?? signal, output: Buffer.concat(chunks).toString() })
    })
  })
}

function report() {
  const { passed, failed, skipped } = total
  if (passed + failed.length === 0) failed.push('no test ran')
  if (skipped.length > 0) {
    console.log('\nSkipped:')
    for (const { name, reason } of skipped) console.log(`  ${name}: ${reason}`)
  }
  if (failed.length > 0) {
    console.log('\nFailed:')
    for (const name of failed) console.log(`  ${name}`)
  }
  console.log(`\n${counts(total)}`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

function counts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`
}

function clock(minutes) {
  return minutes < 1 ? `${(minutes * 60).toFixed(1)} s` : `${minutes.toFixed(1)} min`
}

function hasTests(folder) {
  if (!existsSync(folder)) return false
  return readdirSync(folder, { recursive: true }).some((name) => name.endsWith('.test.ts'))
}
