import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../src/contract/template/check.ts'
import { parseTemplate } from '../../src/contract/template/format.ts'
import { Play } from '../support/play.ts'

const roles = { buyer: 'Buyer', seller: 'Seller', carrier: 'Carrier', bank: 'Bank' }

describe('scenarios', () => {
  it.each(readdirSync(new URL('../../templates/', import.meta.url)))('[TPL-6] there is one of %s', (name) => {
    const scenario = new URL(name.replace('.json', '.test.ts'), import.meta.url)
    expect(existsSync(scenario)).toBe(true)
    expect(readFileSync(scenario, 'utf8')).toContain('.unproven()).toEqual(')
  })

  it('[TPL-6] count nothing for rules that were never asked', () => {
    const order = Play.of('order-to-invoice', roles)
    const unproven = order.unproven()
    for (const { name } of order.template.rules) expect(unproven).toContain(`${name}: never had an effect`)
  })

  it('[TPL-6] count an effect and a refusal apart, by the rule that they are of', () => {
    const order = Play.of('order-to-invoice', roles)
    order.set('Seller', '/Delivery/Shipped', '2026-03-02')
    expect(order.counts.get('delivery-by-carrier')).toEqual({ done: 0, refused: 1 })
    order.set('Carrier', '/Delivery/Shipped', '2026-03-02')
    expect(order.counts.get('delivery-by-carrier')).toEqual({ done: 1, refused: 1 })
    expect(order.counts.get('payment-by-bank')).toEqual({ done: 0, refused: 0 })
    // What can't be told yet has held nothing.
    expect(order.counts.get('delivered-after-shipped')?.refused).toBe(0)
  })
})

describe('docs/templates.md', () => {
  it('[TPL-1] has an example that works', () => {
    const page = readFileSync(new URL('../../docs/templates.md', import.meta.url), 'utf8')
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => text as string)
    expect(examples.length).toBeGreaterThan(0)
    for (const text of examples) checkTemplate(parseTemplate(text))
  })
})
