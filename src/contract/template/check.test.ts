import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkTemplate } from './check.ts'
import { parseTemplate } from './format.ts'

const folder = new URL('../../../templates/', import.meta.url)

describe('the templates that come with it', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  it.each(files)('%s works', (name) => {
    const template = parseTemplate(readFileSync(new URL(name, folder), 'utf8'))
    expect(name).toBe(`${template.name}.json`)
    checkTemplate(template)
  })
})
