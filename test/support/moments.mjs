// Loaded into a node's process (`node --import`): makes its disk slow, or kills it with SIGKILL at a named moment, as the file
// `DIRECTORY.moments` beside its data directory says. Nothing here pretends: what was written is written, what was not is not.
//
//   {"kill": "committed", "after": 2}   at the third such moment from when the file was put there; the file is gone then
//   {…, "holding": "TEXT"}              only such moments count at which what is written, locked or sent holds the text
//   {…, "since": "TEXT"}                and none before such a text was
//   {"syncMs": 60}                      everything that is to reach the disk takes so long; each time a byte in DIRECTORY.moments.met
import fs from 'node:fs'
import { register, syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import process from 'node:process'
import { TLSSocket } from 'node:tls'

const control = `${process.argv[process.argv.indexOf('--data') + 1]}.moments`
const met = `${control}.met`
const counted = { text: '', count: 0, hasBegun: false }

/** One of the moments of test/support/moments.ts is here, with what is written, locked or sent. */
export function at(moment, given) {
  const text = told()
  if (text === '') return
  const { kill, after = 0, holding = '', since = '' } = JSON.parse(text)
  if (text !== counted.text) Object.assign(counted, { text, count: 0, hasBegun: false })
  const what = holding + since === '' ? '' : String(given)
  counted.hasBegun ||= what.includes(since)
  if (kill !== moment || !counted.hasBegun || !what.includes(holding)) return
  counted.count += 1
  if (counted.count <= after) return
  // It may just have been healed.
  fs.rmSync(control, { force: true })
  process.kill(process.pid, 'SIGKILL')
}

function told() {
  try {
    return fs.readFileSync(control, 'utf8')
  } catch {
    return ''
  }
}

/** Does what brings something to disk. */
export function sync(work) {
  const { syncMs } = JSON.parse(told() || '{}')
  if (syncMs !== undefined) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, syncMs)
    fs.appendFileSync(met, '.')
  }
  return work()
}

// ── the lock journal ────────────────────────────────────────────────────────────────────────────────────────────────

const { openSync, writeSync, fdatasyncSync, fsyncSync } = fs
const journals = new Set()
let record = ''

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest)
  if (basename(String(path)) === 'locks.journal') journals.add(descriptor)
  else journals.delete(descriptor)
  return descriptor
}
fs.writeSync = (descriptor, ...rest) => {
  if (journals.has(descriptor)) {
    record = rest[0]
    at('locking', record)
  }
  return writeSync(descriptor, ...rest)
}
fs.fdatasyncSync = (descriptor) => {
  if (journals.has(descriptor)) at('lock written', record)
  sync(() => fdatasyncSync(descriptor))
  if (journals.has(descriptor)) at('locked', record)
}
fs.fsyncSync = (descriptor) => sync(() => fsyncSync(descriptor))
syncBuiltinESMExports()

// ── the database ────────────────────────────────────────────────────────────────────────────────────────────────────

// Its classes can't be changed; whoever imports them is given others, which extend them.
const given = new URL('./moments-sqlite.mjs', import.meta.url).href
register(
  `data:text/javascript,${encodeURIComponent(`
    export const resolve = (specifier, context, next) =>
      specifier === '@photostructure/sqlite' && context.parentURL !== '${given}'
        ? { url: '${given}', shortCircuit: true }
        : next(specifier, context)
  `)}`,
)

// ── the connections to others ───────────────────────────────────────────────────────────────────────────────────────

const { write } = TLSSocket.prototype
TLSSocket.prototype.write = function (...given) {
  at('sending', given[0])
  const result = write.apply(this, given)
  at('sent', given[0])
  return result
}
