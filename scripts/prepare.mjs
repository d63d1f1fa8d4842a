// Makes a checkout ready to run: installs the locked packages when node_modules does not hold them, then
// builds dist/. Only built-ins here: it runs before anything is installed. It says nothing when there is
// nothing to do.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockfile = join(root, 'package-lock.json')
const stamp = join(root, 'node_modules', '.countersign-install')

const machine = `${process.platform}-${process.arch}-abi${process.versions.modules}`
const wanted = `${machine} ${createHash('sha256').update(readFileSync(lockfile)).digest('hex')}`
const found = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''

if (found !== wanted) {
  const otherMachine = found !== '' && !found.startsWith(`${machine} `)
  if (otherMachine || !installedByHand()) install()
  writeFileSync(stamp, wanted)
}

// Loaded only now, since it needs a package that may just have been installed.
const { buildIfStale } = await import('./build.mjs')
try {
  await buildIfStale()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

/**
 * Whether npm's own record of node_modules already holds every package of the lockfile, in the locked
 * version.
 */
function installedByHand() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const locked = JSON.parse(readFileSync(lockfile, 'utf8')).packages
  return Object.entries(locked).every(([path, { version, integrity, optional }]) => {
    const there = installed[path]
    if (path === '' || (optional && there === undefined)) return true
    return there?.version === version && there.integrity === integrity
  })
}

function install() {
  console.log('Installing the locked packages (npm ci), once for this lockfile and Node version …')
  const npm = process.env.npm_execpath ?? ''
  const options = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = npm.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [npm, ...options], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    : spawnSync('npm', options, {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        shell: process.platform === 'win32',
      })
  if (status === 0) return
  console.error(
    `The installation failed${error ? `: ${error.message}` : ''}. Check the network, then run: npm ci --include=dev`,
  )
  process.exit(1)
}
