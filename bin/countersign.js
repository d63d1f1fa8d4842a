#!/usr/bin/env node
// Starts the bundled command. In a checkout it first brings dist/ up to date with the sources.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`countersign needs Node.js 20.19 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}

if (existsSync(new URL('../src', import.meta.url))) {
  try {
    const { buildIfStale } = await import('../scripts/build.mjs')
    await buildIfStale()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
process.setSourceMapsEnabled(true)
await import('../dist/countersign.js')
