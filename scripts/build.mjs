// Bundles the entry points of the sources into dist/, when the sources differ from those that dist/ was built
// from. Called by scripts/prepare.mjs and, in a checkout, by bin/countersign.js.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stamp = join(dist, '.sources')

/** Name in dist/ → entry point; an entry point that does not exist is left out. */
const entryPoints = {
  countersign: 'src/cli/main.ts',
  bench: 'bench/bench.ts',
  'bench-worker': 'bench/worker.ts',
  sim: 'test/sim/main.ts',
  model: 'test/model/main.ts',
  soak: 'test/sim/soak.ts',
}

/** The files whose change makes dist/ stale. */
const inputs = ['package.json', 'scripts/build.mjs', 'src', 'bench', 'test/sim', 'test/model']

/** Builds dist/ if it is stale; returns whether it built. Several processes may call it at once. */
export async function buildIfStale() {
  const entries = Object.entries(entryPoints).filter(([, source]) => existsSync(join(root, source)))
  if (entries.length === 0) return false
  const sources = fingerprint()
  if (stampText() === sources && entries.every(([name]) => existsSync(join(dist, `${name}.js`)))) return false
  await build(Object.fromEntries(entries))
  replace(stamp, sources)
  return true
}

async function build(entries) {
  const { build } = await import('esbuild').catch((cause) => {
    throw new Error('dist/ is older than the sources and esbuild is missing. Run: npm ci --include=dev', {
      cause,
    })
  })
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: true,
    write: false,
    logLevel: 'warning',
  })
  mkdirSync(dist, { recursive: true })
  // A map goes before its bundle, so that no bundle ever stands beside an older map.
  const mapsFirst = outputFiles.toSorted((a, b) => b.path.endsWith('.map') - a.path.endsWith('.map'))
  for (const { path, contents } of mapsFirst) replace(path, contents)
}

/** A hash over path, size and time of every input: a changed, added, removed or restored file changes it. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const input of inputs) addTo(hash, input)
  return hash.digest('hex')
}

function addTo(hash, path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addTo(hash, `${path}/${name}`)
  } else if (!path.endsWith('.test.ts')) {
    hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`)
  }
}

function stampText() {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
}

/** Writes a file in one step: another process sees the old content or the new, never a part. */
function replace(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(temporary, contents)
    renameSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}
