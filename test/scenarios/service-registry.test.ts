import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] services are listed and handed on, sites admitted, endpoints registered', () => {
  const registry = Play.of('service-registry', { registrar: 'Hub', site: ['North', 'South'] })
  const said = (came: Parameters<typeof registry.said>[0]): string => registry.said(came)
  const keeper = registry.party('North')

  expect(said(registry.item('North', '/Services', { Name: 'Maps' }))).toBe(
    'access-denied services-by-registrar',
  )
  expect(said(registry.item('Hub', '/Services', { Name: 'Maps', Keeper: keeper }))).toBe('accepted')
  expect(said(registry.item('Hub', '/Services', { Name: 'Maps' }))).toBe('not-unique service-once')
  expect(said(registry.item('Hub', '/Services', { Name: 'Mail' }))).toBe('accepted')
  expect(said(registry.run('Hub', registry.setting('/Services[1]/Name', undefined)))).toBe(
    'required-missing service-name-stays',
  )
  const other = registry.party('South')
  expect(said(registry.set('South', '/Services[1]/Keeper', other))).toBe('not-holder service-handed-on')
  expect(said(registry.set('North', '/Services[1]/Keeper', other))).toBe('accepted')

  expect(said(registry.item('Hub', '/Sites', { Operator: keeper }))).toBe('not-unique site-once')
  expect(said(registry.item('North', '/Sites', { Operator: keeper }))).toBe(
    'access-denied operator-by-registrar',
  )
  expect(said(registry.item('Hub', '/Sites', { Operator: registry.party('Hub') }))).toBe('accepted')
  expect(said(registry.set('South', '/Sites[1]/Region', 'eu'))).toBe('access-denied site-writes-its-own')
  expect(said(registry.set('North', '/Sites[1]/Region', 'eu'))).toBe('accepted')
  const list = '/Sites[1]/Registered/Endpoints'
  const maps = { Service: 'Maps', Url: 'https://maps.north.example', Protocol: 'http', Healthy: true }
  expect(said(registry.item('North', list, maps))).toBe('not-active registered-when-admitted')
  expect(said(registry.set('North', '/Sites[1]/Admitted', true))).toBe('accepted')
  expect(said(registry.answer('South', '/Sites[1]/Admitted'))).toBe('not-asked admitted-by-registrar')
  expect(said(registry.answer('Hub', '/Sites[1]/Admitted'))).toBe('accepted')

  expect(said(registry.item('South', list, maps))).toBe('not-owner endpoints-its-own')
  expect(said(registry.item('North', list, { ...maps, Url: 'maps.north.example' }))).toBe(
    'limits-broken address',
  )
  expect(said(registry.item('North', list, { ...maps, Protocol: 'smtp' }))).toBe('limits-broken protocol')
  expect(said(registry.item('North', list, { ...maps, Service: 'Chess' }))).toBe(
    'constraint-broken service-known',
  )
  expect(said(registry.item('North', list, maps))).toBe('accepted')
  expect(said(registry.set('Hub', `${list}[1]/Healthy`, false))).toBe('access-denied endpoint-fields-its-own')
  expect([registry.value('/Sites[1]/Healthy'), registry.value('/Endpoints')]).toEqual(['1', '1'])
  expect(said(registry.set('North', '/Sites[1]/Healthy', '9'))).toBe('derived-field healthy-count')
  expect(said(registry.set('Hub', '/Endpoints', '9'))).toBe('derived-field endpoint-count')
  expect(registry.unproven()).toEqual([])
})
