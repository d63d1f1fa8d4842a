import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bundleText, storyLedger } from '../../test/support/ledger-fixture.ts'

/** Canonical JSON of what holds integers and ASCII text only, in a few words of its own. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}

describe('a request taken from a bundle with nothing of ours', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-openssl-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  const line = JSON.parse(bundleText(storyLedger(1).lines()).split('\n')[5] as string)
  const { request, signature } = line.requests[0]
  // RFC 8410: what stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo.
  const key = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from(request.authorKey, 'base64url'),
  ])
  const verify = (message: string) => {
    const file = (name: string, content: Buffer | string) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const keyFile = file('key.der', key)
    const signatureFile = file('signature', Buffer.from(signature, 'base64url'))
    const messageFile = file('message', message)
    return spawnSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-rawin',
        '-pubin',
        '-keyform',
        'DER',
        '-inkey',
        keyFile,
        '-sigfile',
        signatureFile,
        '-in',
        messageFile,
      ],
      { encoding: 'utf8' },
    )
  }

  it('[SIG-1] verifies with openssl pkeyutl -verify -rawin, and no longer once altered', (context) => {
    if (spawnSync('openssl', ['version']).status !== 0) context.skip('openssl is not installed')
    const message = `countersign/v1/request\n${canonical(request)}`
    const good = verify(message)
    expect(good.stdout).toContain('Signature Verified Successfully')
    expect(good.status).toBe(0)
    expect(verify(message.replace('Item 1', 'Item 2')).status).not.toBe(0)
    expect(verify(message.replace('v1/request', 'v1/card')).status).not.toBe(0)
  })
})
