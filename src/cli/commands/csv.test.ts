import { describe, expect, it } from 'vitest'
import { csvLine } from './csv.ts'

describe('a line of comma-separated values', () => {
  it('quotes what needs it', () => {
    expect(csvLine(['a', 'b c', 'd,e', 'f"g', 'h\ni', ''])).toBe('a,b c,"d,e","f""g","h\ni",')
  })

  it('lets no value be taken for a formula', () => {
    expect(csvLine(['=1+1', '+1', '-1', '@x', '\t=1', 'a=1'])).toBe(`'=1+1,'+1,'-1,'@x,'\t=1,a=1`)
    expect(csvLine(['-1', '-1'], 'decimal')).toBe(`'-1,-1`)
    expect(csvLine(['=1', '=1'], 'text')).toBe(`'=1,'=1`)
  })
})
