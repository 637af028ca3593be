import { expect, test } from 'vitest'
import type { Segment } from '../protocol'
import { heardAt, isLine, latestLine, piecesOf, wordAt } from './words'

const said = (seq: number, more: Partial<Segment> = {}): Segment =>
  ({ seq, speaker: 'caller', start_ms: seq * 1_000, end_ms: seq * 1_000 + 800, kind: 'words', text: `words ${seq}`, final: true, ...more })

test('voices and what turned out to be nothing are no lines', () => {
  expect(isLine(said(1))).toBe(true)
  expect(isLine(said(1, { kind: 'voice', text: '' }))).toBe(false)
  expect(isLine(said(1, { text: '' }))).toBe(false)
})

test('the latest line is a person’s', () => {
  const keys = said(2, { kind: 'keys', text: '1' })
  expect(latestLine([said(1), keys, said(3, { kind: 'prompt', speaker: 'ivr' }), said(4, { kind: 'voice', text: '' })])).toBe(keys)
  expect(latestLine([])).toBeUndefined()
})

test('what is heard at a time: two who speak at once, and nobody', () => {
  const both = [said(1), said(2, { start_ms: 1_500, end_ms: 2_500 }), said(3, { kind: 'voice', text: '', start_ms: 1_000 })]
  expect([0, 1_000, 1_600, 1_800, 2_500].map((ms) => heardAt(both, ms))).toEqual(['', '1', '1 2', '2', ''])
  expect(heardAt([said(1, { kind: 'keys', text: '1', end_ms: 1_000 })], 1_700)).toBe('1')
})

const words = (...texts: string[]) => texts.map((text, i) => ({ text, start_ms: 100 * i, end_ms: 100 * i + 80 }))

test('the word at a time is the latest that has begun', () => {
  expect([-1, 0, 90, 100, 900].map((ms) => wordAt(words('my', 'card'), ms))).toEqual([-1, 0, 0, 1, 1])
})

test('a text is split at its words, whatever is between them', () => {
  expect(piecesOf('My card, please.', words('my', 'card', 'please'))).toEqual([
    { text: 'My', word: 0 }, { text: ' ' }, { text: 'card', word: 1 }, { text: ', ' }, { text: 'please', word: 2 }, { text: '.' },
  ])
  expect(piecesOf('我要查账', words('我要', '查账'))).toEqual([{ text: '我要', word: 0 }, { text: '查账', word: 1 }])
})

test.each([
  ['no words', undefined],
  ['another text', words('my', 'cart')],
  ['another order', words('card', 'my')],
  ['an empty word', words('my', '')],
])('a text stays whole: %s', (_, w) => expect(piecesOf('My card', w)).toEqual([{ text: 'My card' }]))

test('letters whose lower case is longer do not shift the places', () => {
  expect(piecesOf('İ card', words('card')).map((p) => p.text).join('')).toBe('İ card')
})
