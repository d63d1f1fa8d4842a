// Loaded into a node's process (`node --import`): makes its disk slow, or kills it with SIGKILL at a named moment, as the file
// `DIRECTORY.moments` beside its data directory says. Nothing here pretends: what was written is written, what was not is not.
//
//   {"kill": "committed", "after": 2}   at the third such moment from when the file was put there; the file is gone then
//   {"syncMs": 60}                      everything that is to reach the disk takes so long; each time a byte in DIRECTORY.moments.met
import fs from 'node:fs'
import { register, syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import process from 'node:process'
import { TLSSocket } from 'node:tls'

const control = `${process.argv[process.argv.indexOf('--data') + 1]}.moments`
const met = `${control}.met`
const counted = { text: '', count: 0 }

/** One of the moments of test/support/moments.ts is here. */
export function at(moment) {
  const text = told()
  if (text === '') return
  const { kill, after = 0 } = JSON.parse(text)
  if (kill !== moment) return
  if (text !== counted.text) Object.assign(counted, { text, count: 0 })
  counted.count += 1
  if (counted.count <= after) return
  fs.unlinkSync(control)
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

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest)
  if (basename(String(path)) === 'locks.journal') journals.add(descriptor)
  else journals.delete(descriptor)
  return descriptor
}
fs.writeSync = (descriptor, ...rest) => {
  if (journals.has(descriptor)) at('locking')
  return writeSync(descriptor, ...rest)
}
fs.fdatasyncSync = (descriptor) => {
  if (journals.has(descriptor)) at('lock written')
  sync(() => fdatasyncSync(descriptor))
  if (journals.has(descriptor)) at('locked')
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
  at('sending')
  const result = write.apply(this, given)
  at('sent')
  return result
}
