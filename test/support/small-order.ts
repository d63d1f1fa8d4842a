/** A small template with its next edition, for tests. */
import { checkTemplate } from '../../src/contract/template/check.ts'
import { type Template, type TemplateRule, templateHash } from '../../src/contract/template/format.ts'

export const rule = (
  name: string,
  owner: string,
  path: string[],
  behaviour: TemplateRule['behaviour'],
): TemplateRule => ({
  name,
  help: `What ${name} is for.`,
  owner,
  anchor: [],
  path,
  behaviour,
})

export const order: Template = {
  type: 'template',
  version: 1,
  name: 'small-order',
  edition: 1,
  title: 'Small order',
  help: 'Something is ordered at a price.',
  roles: [
    { name: 'buyer', title: 'Buyer', help: 'Says how much.' },
    { name: 'seller', title: 'Seller', help: 'Says at which price.' },
    { name: 'carrier', title: 'Carrier', help: 'Brings it.' },
  ],
  types: [],
  tree: [
    { name: 'Quantity', kind: 'field', type: 'integer' },
    { name: 'Price', kind: 'field', type: 'decimal' },
    { name: 'Carrier', kind: 'field', type: 'party', value: '@carrier' },
  ],
  rules: [
    rule('quantity-by-buyer', 'buyer', ['Quantity'], {
      kind: 'access',
      actions: ['propose'],
      grants: [{ party: '@buyer', forDays: 30 }],
    }),
    rule('price-from', 'seller', ['Price'], { kind: 'limits', min: '1' }),
    rule('price-agreed', 'seller', ['Price'], {
      kind: 'approval',
      count: 'all',
      parties: ['@seller', '@carrier'],
    }),
  ],
  phases: [{ name: 'open', title: 'Open', help: 'It begins.' }],
}

/** The edition that comes after another. */
export function nextOf(template: Template, change: (next: Template) => void): Template {
  const next = structuredClone(template)
  next.edition += 1
  next.ancestor = templateHash(template)
  change(next)
  checkTemplate(next)
  return next
}
