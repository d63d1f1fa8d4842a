import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

const DAY_MINUTES = 24 * 60

it('[TPL-6] a health record is filled, shared for a time, and closed on the patient’s day', () => {
  const roles = { patient: 'Pat', practice: 'Practice', specialist: 'Specialist' }
  const record = Play.of('health-record', roles)
  const said = (came: Parameters<typeof record.said>[0]): string => record.said(came)

  expect(said(record.set('Practice', '/Patient/Name', 'Pat'))).toBe('access-denied person-by-patient')
  expect(said(record.set('Pat', '/Patient/Name', 'Pat'))).toBe('accepted')
  expect(said(record.set('Pat', '/Patient/BloodGroup', 'C'))).toBe('limits-broken blood-group')
  expect(said(record.set('Pat', '/Patient/BloodGroup', 'AB+'))).toBe('accepted')
  const all = ['Pat', 'Practice', 'Specialist']
  const seenBy = (path: string): string[] => all.filter((name) => record.seen(name, path) !== undefined)
  expect(seenBy('/Patient/BloodGroup')).toEqual(['Pat'])
  expect(said(record.show('Pat', '/Patient/Name', 'Pat', ['Pat', 'Practice']))).toBe('wrong-readers')
  expect(said(record.item('Pat', '/Allergies', { Substance: 'Pollen' }))).toBe('accepted')
  const pollen = '/Allergies[1]/Substance'
  expect(said(record.show('Pat', pollen, 'Pollen', ['Pat', 'Practice']))).toBe('wrong-readers')
  expect(said(record.phase('Practice', 'shared'))).toBe('access-denied phases')
  expect(said(record.phase('Pat', 'shared'))).toBe('required-missing born-needed')
  expect(said(record.set('Pat', '/Patient/Born', '1980-05-17'))).toBe('accepted')
  expect(said(record.phase('Pat', 'shared'))).toBe('accepted')
  expect(seenBy('/Patient/BloodGroup'), 'what was written before').toEqual(['Pat'])
  expect(said(record.set('Pat', '/Patient/BloodGroup', 'AB+'))).toBe('accepted')
  expect(seenBy('/Patient/BloodGroup')).toEqual(all)
  expect(said(record.delete('Pat', '/Allergies[1]'))).toBe('accepted')

  const nuts = { Substance: 'Nuts', Severity: 'severe' }
  expect(said(record.item('Specialist', '/Allergies', nuts))).toBe(
    'access-denied allergies-by-patient-and-practice',
  )
  expect(said(record.item('Pat', '/Allergies', { ...nuts, Severity: 'bad' }))).toBe('limits-broken severity')
  expect(said(record.item('Pat', '/Allergies', nuts))).toBe('accepted')
  const medicine = { Name: 'Aspirin', Dose: '100 mg', Since: '2026-01-01' }
  expect(said(record.item('Pat', '/Medication', medicine))).toBe('access-denied medication-by-practice')
  expect(said(record.item('Practice', '/Medication', { ...medicine, Until: '2025-01-01' }))).toBe(
    'constraint-broken medicine-ends-after-it-begins',
  )
  expect(said(record.item('Practice', '/Medication', medicine))).toBe('accepted')
  expect(said(record.item('Practice', '/Medication', medicine))).toBe('not-unique medicine-once')
  expect(said(record.item('Practice', '/Medication', { ...medicine, Name: 'Statin' }))).toBe('accepted')
  expect(record.value('/MedicineCount')).toBe('2')
  expect(said(record.set('Practice', '/MedicineCount', '1', 'integer'))).toBe('derived-field medicine-count')

  const finding = { Text: 'Nothing unusual', By: record.party('Specialist') }
  expect(said(record.item('Pat', '/Findings', finding))).toBe('access-denied findings-for-a-time')
  expect(said(record.item('Specialist', '/Findings', { Text: 'Nothing' }))).toBe(
    'constraint-broken finding-signed',
  )
  expect(said(record.item('Specialist', '/Findings', finding))).toBe('accepted')
  expect(said(record.delete('Specialist', '/Findings[1]'))).toBe('access-denied findings-removed-by-patient')
  expect(said(record.delete('Pat', '/Findings[1]'))).toBe('accepted')
  record.wait(30 * DAY_MINUTES)
  expect(said(record.set('Practice', '/Medication[1]/Dose', '50 mg'))).toBe('accepted')
  expect(seenBy('/Medication[1]/Dose')).toEqual(['Pat', 'Practice'])
  expect(seenBy('/Medication[1]/Name'), 'what it was shown stays with it').toEqual(all)
  expect(said(record.item('Practice', '/Findings', { Text: 'Well', By: record.party('Practice') }))).toBe(
    'accepted',
  )
  for (const [name, path, value] of [
    ['Pat', '/Patient/Name', 'Patricia'],
    ['Pat', '/Allergies[1]/Substance', 'Peanuts'],
    ['Practice', '/Medication[1]/Dose', '75 mg'],
    ['Practice', '/Findings[1]/Text', 'Very well'],
  ] as const)
    expect(said(record.show(name, path, value, all)), 'after 30 days').toBe('wrong-readers')
  expect(said(record.item('Specialist', '/Findings', finding)), 'after 30 days').toBe(
    'access-denied findings-for-a-time',
  )

  const until = new Date(record.timeMs + 10 * DAY_MINUTES * 60_000).toISOString().slice(0, 10)
  expect(said(record.set('Practice', '/Sharing/Until', until))).toBe('accepted')
  expect(record.value('/Sharing/Until')).toBeUndefined()
  expect(said(record.answer('Specialist', '/Sharing/Until'))).toBe('not-asked until-with-consent')
  expect(said(record.answer('Pat', '/Sharing/Until'))).toBe('accepted')
  record.wait(10 * DAY_MINUTES)
  record.tick()
  expect(record.phaseNow).toBe('closed')
  expect(said(record.item('Practice', '/Medication', { Name: 'Insulin' }))).toBe(
    'access-denied medication-by-practice',
  )
  expect(said(record.item('Pat', '/Allergies', { Substance: 'Dust' }))).toBe('accepted')
  expect(seenBy('/Allergies[2]/Substance')).toEqual(['Pat'])
  expect(record.unproven()).toEqual([])
})
