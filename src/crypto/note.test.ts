import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64Decode, base64UrlDecode, base64UrlEncode, fromUtf8, utf8 } from './bytes.ts'
import { generateKeyPair } from './keys.ts'
import {
  cosignatureMessage,
  cosignatureOf,
  formatCheckpoint,
  formatCosignatureLine,
  formatNote,
  formatVerifierKey,
  NOTE_COSIGNATURE_V1,
  NOTE_ED25519,
  NOTE_MAX_LENGTH,
  NOTE_MAX_SIGNATURES,
  noteKeyId,
  parseCheckpoint,
  parseCosignatureLine,
  parseNote,
  parseVerifierKey,
  verifyCosignature,
} from './note.ts'
import { ed25519Sign, ed25519Verify } from './provider.ts'

const badFormat = expect.objectContaining({ code: 'bad-format' })
const ROOT = '0123456789abcdef'.repeat(4)

/** The key and note that golang.org/x/mod/sumdb/note is tested with. */
const PETER = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  body: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  line: '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
}

/** The example of C2SP tlog-cosignature. */
const C2SP_EXAMPLE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`

/** A checkpoint of a public staging log with its cosignatures by public witnesses, and the keys of two that signed it. */
const PUBLIC_LOG = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`
const PUBLIC_LOG_KEY =
  'arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f'
const WITNESS_KEYS = [
  'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
  'witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv',
]

const { publicKey, privateKey } = generateKeyPair(new Uint8Array(32).fill(3))
const origin = 'countersign/abc/0'
const body = formatCheckpoint({ origin, size: 42, rootHash: ROOT, extensions: ['epoch 0', 'block xyz'] })

describe('[CHK-2] published notes', () => {
  it('of Go’s note package: key ID, signature and text', () => {
    const key = parseVerifierKey(PETER.key)
    expect(key).toMatchObject({ name: 'PeterNeumann', algorithm: NOTE_ED25519, keyId: 'c74f20a3' })
    expect(formatVerifierKey(key.name, key.algorithm, key.publicKey)).toBe(PETER.key)
    const text = `${PETER.body}\n${PETER.line}\n`
    const note = parseNote(text)
    expect(note.body).toBe(PETER.body)
    const [signature] = note.signatures
    expect(signature).toMatchObject({ name: key.name, keyId: key.keyId })
    expect(ed25519Verify(key.publicKey, utf8(note.body), base64UrlDecode(signature?.signature ?? ''))).toBe(
      true,
    )
    expect(formatNote(note.body, note.signatures)).toBe(text)
    // Its published private key signs the same.
    const seed = base64Decode('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz').slice(1)
    const pair = generateKeyPair(seed)
    expect(pair.publicKey).toBe(key.publicKey)
    expect(base64UrlEncode(ed25519Sign(pair.privateKey, utf8(PETER.body)))).toBe(signature?.signature)
  })

  it('of C2SP tlog-cosignature: checkpoint, time of the cosignature, and what was signed', () => {
    const note = parseNote(C2SP_EXAMPLE)
    const checkpoint = parseCheckpoint(note.body)
    expect(checkpoint).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20852163,
      rootHash: '0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62',
      extensions: [],
    })
    expect(formatCheckpoint(checkpoint)).toBe(note.body)
    const [, witness] = note.signatures
    expect(witness && cosignatureOf(witness)).toMatchObject({
      name: 'witness.example.com/w1',
      timeSeconds: 1679315147,
    })
    expect(fromUtf8(cosignatureMessage(note.body, 1679315147))).toBe(
      'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
    )
    expect(formatNote(note.body, note.signatures)).toBe(C2SP_EXAMPLE)
  })

  it('of a public log: its signature and its witnesses’ cosignatures verify', () => {
    const note = parseNote(PUBLIC_LOG)
    expect(parseCheckpoint(note.body).size).toBe(1432088532)
    const log = parseVerifierKey(PUBLIC_LOG_KEY)
    const ofLog = note.signatures.find(({ name, keyId }) => name === log.name && keyId === log.keyId)
    expect(ed25519Verify(log.publicKey, utf8(note.body), base64UrlDecode(ofLog?.signature ?? ''))).toBe(true)
    for (const text of WITNESS_KEYS) {
      const key = parseVerifierKey(text)
      expect(key.algorithm).toBe(NOTE_COSIGNATURE_V1)
      const found = note.signatures.find(({ name, keyId }) => name === key.name && keyId === key.keyId)
      if (found === undefined) throw new Error(`no cosignature by ${key.name}`)
      const cosignature = cosignatureOf(found)
      expect(cosignature.timeSeconds).toBe(1779573024)
      expect(verifyCosignature(key.publicKey, note.body, cosignature)).toBe(true)
      expect(verifyCosignature(key.publicKey, note.body.replace('1432088532', '42'), cosignature)).toBe(false)
      const line = formatCosignatureLine(
        key.name,
        key.publicKey,
        1779573024,
        base64UrlDecode(cosignature.signature),
      )
      expect(PUBLIC_LOG).toContain(`${line}\n`)
    }
    expect(formatNote(note.body, note.signatures)).toBe(PUBLIC_LOG)
  })
})

describe('[CHK-1] checkpoints', () => {
  it('are written as they are read', () => {
    const line = fc.string({ unit: fc.constantFrom(...'aZ0 +=—é😂'), minLength: 1, maxLength: 20 })
    const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
    const some = fc.record({
      origin: line,
      size: fc.maxSafeNat(),
      rootHash: hash,
      extensions: fc.array(line, { maxLength: 5 }),
    })
    fc.assert(
      fc.property(some, (checkpoint) => {
        const text = formatCheckpoint(checkpoint)
        expect(parseCheckpoint(text)).toEqual(checkpoint)
        const note = formatNote(text, [formatCosignatureLine('w', publicKey, 1, new Uint8Array(64))])
        expect(parseNote(note).body).toBe(text)
      }),
    )
  })

  const good = body.split('\n')
  it.each([
    ['nothing', ''],
    ['two lines', `${good.slice(0, 2).join('\n')}\n`],
    ['no newline at the end', body.slice(0, -1)],
    ['an empty line at the end', `${body}\n`],
    ['an empty origin', body.replace(origin, '')],
    ['a long origin', body.replace(origin, 'x'.repeat(256))],
    ['a tab in the origin', body.replace(origin, 'a\tb')],
    ['a zero before the size', body.replace('42', '042')],
    ['a plus before the size', body.replace('42', '+42')],
    ['a negative size', body.replace('42', '-1')],
    ['an empty size', body.replace('42', '')],
    ['a size past 2^53', body.replace('42', '9007199254740992')],
    ['a long size', body.replace('42', '1'.repeat(400))],
    ['a root cut short', body.replace(good[2] as string, 'AAAA')],
    ['a root of 33 bytes', body.replace(good[2] as string, 'A'.repeat(44))],
    ['an empty extension', body.replace('epoch 0', '')],
    ['a carriage return', body.replaceAll('\n', '\r\n')],
    ['too many extensions', body + 'x\n'.repeat(70)],
    ['a very long extension', `${body}${'x'.repeat(5000)}\n`],
    ['a very long text', body + 'x\n'.repeat(600_000)],
  ])('are refused with %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(badFormat)
    expect(() => cosignatureMessage(text, 1)).toThrow(badFormat)
  })

  it.each([
    { origin: '' },
    { origin: 'a\nb' },
    { origin: '\ud800' },
    { size: -1 },
    { size: 1.5 },
    { size: 2 ** 53 },
    { rootHash: 'AA'.repeat(32) },
    { rootHash: '00' },
    { extensions: [''] },
    { extensions: ['a\nb'] },
    { extensions: Array(65).fill('x') },
  ])('are not written with %j', (change) => {
    expect(() => formatCheckpoint({ origin, size: 1, rootHash: ROOT, ...change })).toThrow(badFormat)
  })
})

describe('[CHK-2] cosignatures', () => {
  const timeSeconds = 1_790_000_000
  const signature = ed25519Sign(privateKey, cosignatureMessage(body, timeSeconds))
  const line = formatCosignatureLine('countersign/acme', publicKey, timeSeconds, signature)

  it('are read back from their line and from a note, and verify', () => {
    const expected = {
      name: 'countersign/acme',
      keyId: noteKeyId('countersign/acme', NOTE_COSIGNATURE_V1, publicKey),
      timeSeconds,
      signature: base64UrlEncode(signature),
    }
    expect(parseCosignatureLine(line)).toEqual(expected)
    const [read] = parseNote(formatNote(body, [line])).signatures
    expect(read && cosignatureOf(read)).toEqual(expected)
    expect(verifyCosignature(publicKey, body, expected)).toBe(true)
  })

  it('bind key, name, time, and every line of the body', () => {
    const cosignature = parseCosignatureLine(line)
    const stranger = generateKeyPair(new Uint8Array(32).fill(4)).publicKey
    expect(verifyCosignature(stranger, body, cosignature)).toBe(false)
    expect(verifyCosignature(publicKey, body, { ...cosignature, name: 'countersign/other' })).toBe(false)
    expect(verifyCosignature(publicKey, body, { ...cosignature, timeSeconds: timeSeconds + 1 })).toBe(false)
    expect(verifyCosignature(publicKey, body, { ...cosignature, timeSeconds: -1 })).toBe(false)
    expect(verifyCosignature(publicKey, body, { ...cosignature, signature: 'x' })).toBe(false)
    expect(
      verifyCosignature(publicKey, body, {
        ...cosignature,
        keyId: noteKeyId('countersign/acme', 1, publicKey),
      }),
    ).toBe(false)
    expect(verifyCosignature(publicKey, body.replace('epoch 0', 'epoch 1'), cosignature)).toBe(false)
    expect(verifyCosignature(publicKey, 'no checkpoint', cosignature)).toBe(false)
  })

  it('are refused with a time or signature that is none', () => {
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => formatCosignatureLine('w', publicKey, bad, signature)).toThrow(badFormat)
      expect(() => cosignatureMessage(body, bad)).toThrow(badFormat)
    }
    expect(() => formatCosignatureLine('w', publicKey, 1, signature.slice(1))).toThrow(badFormat)
    const far = base64UrlEncode(Uint8Array.from({ length: 72 }, () => 0xff))
    expect(() => cosignatureOf({ name: 'w', keyId: '00000000', signature: far })).toThrow(badFormat)
    // A plain signature of 64 bytes, without a time.
    expect(() => parseCosignatureLine(PETER.line)).toThrow(badFormat)
  })
})

describe('[CHK-2] notes', () => {
  const line = PETER.line
  const note = `${PETER.body}\n${line}\n`

  it('may hold empty lines, and dashes, in their text', () => {
    for (const text of ['\n', 'a\n\nb\n', 'a\n\n', '— not a signature\n', '\n\n\n'])
      expect(parseNote(formatNote(text, [line, line]))).toMatchObject({ body: text, signatures: [{}, {}] })
  })

  it.each([
    ['nothing', ''],
    ['no signature', `${PETER.body}\n`],
    ['no empty line', PETER.body + line],
    ['no newline at the end', note.slice(0, -1)],
    ['another character in its place', `${note.slice(0, -1)}x`],
    ['an empty line at the end', `${note}\n`],
    ['a carriage return', note.replaceAll('\n', '\r\n')],
    ['a tab', note.replace('you', '\t')],
    ['U+0000', note.replace('you', '\u0000')],
    ['an unpaired surrogate', note.replace('you', '\ud800')],
    ['a hyphen for the dash', note.replace('—', '-')],
    ['two spaces', note.replace('— ', '—  ')],
    ['a word more', note.replace('AM=\n', 'AM= x\n')],
    ['a space at the end', note.replace('AM=\n', 'AM= \n')],
    ['no name', note.replace('PeterNeumann ', '')],
    ['a plus in the name', note.replace('PeterNeumann', 'Peter+Neumann')],
    ['a no-break space in the name', note.replace('PeterNeumann', 'Peter\u00a0Neumann')],
    ['base64 that is not canonical', note.replace('AM=\n', 'AN=\n')],
    ['base64 without padding', note.replace('AM=\n', 'AM\n')],
    ['a key ID alone', note.replace(/x08go\S+/, 'x08gow==')],
    ['text after the signatures', `${note}more\n`],
    ['a long name', note.replace('PeterNeumann', 'x'.repeat(256))],
  ])('are refused with %s', (_, text) => {
    expect(() => parseNote(text)).toThrow(badFormat)
  })

  it('are refused when too large', () => {
    const tooLarge = expect.objectContaining({ code: 'too-large' })
    expect(() => parseNote('x'.repeat(NOTE_MAX_LENGTH + 1))).toThrow(tooLarge)
    const lines = Array(NOTE_MAX_SIGNATURES + 1).fill(line) as string[]
    expect(() => parseNote(`a\n\n${lines.join('\n')}\n`)).toThrow(tooLarge)
    expect(() => formatNote('a\n', lines)).toThrow(badFormat)
    expect(parseNote(formatNote('a\n', lines.slice(1))).signatures).toHaveLength(NOTE_MAX_SIGNATURES)
  })

  it('are not written from parts that could not be read back', () => {
    for (const text of ['', 'a', 'a\r\n', 'a\u0007\n', '\ud800\n'])
      expect(() => formatNote(text, [line])).toThrow(badFormat)
    expect(() => formatNote('a\n', [])).toThrow(badFormat)
    expect(() => formatNote('a\n', [`${line}\n`])).toThrow(badFormat)
    const [signature] = parseNote(note).signatures
    for (const change of [
      { name: '' },
      { name: 'a b' },
      { keyId: 'x' },
      { keyId: '00' },
      { signature: '' },
      { signature: '=' },
    ])
      expect(() =>
        formatNote('a\n', [{ name: 'n', keyId: '00000000', signature: 'AA', ...signature, ...change }]),
      ).toThrow(badFormat)
  })

  it('come back the same for any names, IDs and signatures', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab/.—é😂:'), minLength: 1, maxLength: 20 })
    const keyId = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 8, maxLength: 8 })
    const signature = fc.uint8Array({ minLength: 1, maxLength: 100 }).map(base64UrlEncode)
    fc.assert(
      fc.property(
        fc.array(fc.record({ name, keyId, signature }), { minLength: 1, maxLength: 5 }),
        (signatures) => {
          expect(parseNote(formatNote(body, signatures))).toEqual({ body, signatures })
        },
      ),
    )
  })
})

describe('verifier keys', () => {
  it('are written as they are read', () => {
    for (const text of [PETER.key, PUBLIC_LOG_KEY, ...WITNESS_KEYS]) {
      const { name, algorithm, publicKey: key, keyId } = parseVerifierKey(text)
      expect(noteKeyId(name, algorithm, key)).toBe(keyId)
      expect(formatVerifierKey(name, algorithm, key)).toBe(text)
    }
  })

  it.each([
    '',
    'PeterNeumann',
    PETER.key.replace('c74f20a3', 'c74f20a4'),
    PETER.key.replace('c74f20a3', 'C74F20A3'),
    PETER.key.replace('Peter', 'Paul'),
    PETER.key.replace('ARpc', 'BRpc'),
    `${PETER.key}AA`,
    'name+00000000+',
    `${PETER.key}${'A'.repeat(5000)}`,
  ])('are refused: %s', (text) => {
    expect(() => parseVerifierKey(text)).toThrow(badFormat)
  })

  it('have names without spaces and plus signs', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\nb'])
      expect(() => noteKeyId(name, 1, publicKey)).toThrow(badFormat)
  })
})
