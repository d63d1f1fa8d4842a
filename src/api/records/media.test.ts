import { describe, expect, it } from 'vitest'
import { chooseForm, formOf } from './media.ts'

describe('the form asked for', () => {
  it.each([
    [undefined, true, 'json'],
    ['*/*', true, 'json'],
    ['', true, 'json'],
    ['text/plain', true, 'text'],
    ['text/*', true, 'xml'],
    ['text/*', false, 'xml'],
    ['application/*', true, 'json'],
    ['application/xml', true, 'xml'],
    ['TEXT/XML; charset=utf-8', true, 'xml'],
    ['text/plain, */*;q=0.5', false, 'json'],
    ['application/json;q=0.1, text/plain;q=0.2', true, 'text'],
    ['text/plain, application/json', true, 'text'],
    ['application/json, text/plain', true, 'json'],
    ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', true, 'xml'],
    ['application/json;q=0, */*', true, 'xml'],
    ['image/png, */*;q=0.1', true, 'json'],
  ])('%s → %#', (accept, hasText, form) => {
    expect(chooseForm(accept, hasText)).toBe(form)
  })

  it.each([
    ['image/png', true],
    ['text/plain', false],
    ['*/*;q=0', true],
    ['application/json;q=2', true],
  ])('%s is not to be had', (accept, hasText) => {
    expect(() => chooseForm(accept, hasText)).toThrow(/can be had as application\/json/)
  })
})

describe('the form that came', () => {
  it.each([
    ['application/json', 'json'],
    ['application/merge-patch+json', 'json'],
    ['Text/XML; charset=UTF-8', 'xml'],
    ['text/plain;charset=utf-8', 'text'],
  ])('%s', (contentType, form) => {
    expect(formOf(contentType)).toBe(form)
  })
})
