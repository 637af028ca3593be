import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FEW, KEEP_MS, Transcripts } from './transcripts'
import type { Segment, Transcript } from './types'

const said = (seq: number, text: string, more: Partial<Segment> = {}): Segment =>
  ({ seq, speaker: 'caller', start_ms: seq * 1_000, end_ms: seq * 1_000 + 500, kind: 'words', text, final: true, ...more })

interface Asked {
  id: string
  signal: AbortSignal
  answer: (segments: Segment[]) => Promise<void>
  fail: (e: unknown) => Promise<void>
}

let asked: Asked[]
let frames: (() => void)[]
let t: Transcripts

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  frames = []
  t = new Transcripts({
    load: (id, signal) => new Promise<Transcript>((ok, no) => asked.push({
      id, signal,
      answer: async (segments) => { ok({ call_id: id, coverage: 'conversation', engines: ['vosk'], segments }); await Promise.resolve() },
      fail: async (e) => { no(e); await Promise.resolve() },
    })),
    frame: (f) => frames.push(f),
  })
  t.take({ type: 'snapshot', now: '', calls: [{ id: 'PS1', from: '', to: '', state: 'talking', since: '', started_at: '' }] })
})

afterEach(() => vi.useRealTimers())

const draw = () => frames.splice(0).forEach((f) => f())
const hear = (s: Segment, id = 'PS1') => t.take({ type: 'segment', id, segment: s })
const texts = (id = 'PS1') => { draw(); return t.get(id).segments.map((s) => s.text) }

test('what is said is shown in order of time, once a frame, and only what changed is a new object', () => {
  const told = vi.fn()
  t.subscribe('PS1', told)
  hear(said(2, 'second'))
  hear(said(1, 'first'))
  expect(t.get('PS1').segments).toEqual([])
  expect(texts()).toEqual(['first', 'second'])
  expect(told).toHaveBeenCalledTimes(1)
  const [first] = t.get('PS1').segments
  hear(said(2, 'seconds'))
  expect(texts()).toEqual(['first', 'seconds'])
  expect(t.get('PS1').segments[0]).toBe(first)
})

test('interim words are replaced, final ones only by final ones', () => {
  hear(said(1, 'my', { final: false }))
  hear(said(1, 'my card', { final: false }))
  expect(texts()).toEqual(['my card'])
  hear(said(1, 'My card 6222021234.'))
  hear(said(1, 'my card six', { final: false }))
  expect(texts()).toEqual(['My card 6222021234.'])
  hear(said(1, 'My card ••••1234.'))
  expect(texts()).toEqual(['My card ••••1234.'])
  hear(said(2, 'hm', { final: false }))
  hear(said(2, ''))
  expect(texts()).toEqual(['My card ••••1234.'])
})

test('the history fills in what was said before; what came by event meanwhile wins', async () => {
  t.watch('PS1')
  expect(t.get('PS1').history).toBe('loading')
  hear(said(2, 'new'))
  hear(said(3, 'half', { final: false }))
  hear(said(4, 'only by event'))
  await asked[0]!.answer([said(1, 'before'), said(2, 'old'), said(3, 'whole')])
  expect(texts()).toEqual(['before', 'new', 'whole', 'only by event'])
  expect(t.get('PS1')).toMatchObject({ history: 'loaded', coverage: 'conversation', engines: ['vosk'] })
})

test('after a new connection the history counts: words may have been masked meanwhile, and interim ones given up', async () => {
  t.watch('PS1')
  await asked[0]!.answer([])
  hear(said(1, 'number 6222021234'))
  hear(said(2, 'erm', { final: false }))
  t.take({ type: 'snapshot', now: '', calls: [] })
  expect(texts()).toEqual(['number 6222021234', 'erm'])
  await asked[1]!.answer([said(1, 'number ••••1234')])
  expect(texts()).toEqual(['number ••••1234'])
})

test('an answer for the connection before is not taken', async () => {
  t.watch('PS1')
  t.take({ type: 'snapshot', now: '', calls: [] })
  expect(asked[0]!.signal.aborted).toBe(true)
  await asked[1]!.answer([said(1, 'new')])
  await asked[0]!.answer([said(1, 'old')])
  expect(texts()).toEqual(['new'])
})

test('a history that is not to be had is said, keeps what is there, and is asked for again', async () => {
  t.watch('PS1')
  hear(said(1, 'here'))
  await asked[0]!.fail(new Error('no'))
  expect(texts()).toEqual(['here'])
  expect(t.get('PS1').history).toBe('failed')
  t.retry('PS1')
  await asked[1]!.answer([said(1, 'here')])
  expect(texts()).toEqual(['here'])
  expect(t.get('PS1').history).toBe('loaded')
})

test('two who look share one question; of a call that nobody looks at the latest words are kept', async () => {
  const first = t.watch('PS1')
  const second = t.watch('PS1')
  await asked[0]!.answer([said(1, 'before')])
  first()
  second()
  t.watch('PS1')()
  expect(asked).toHaveLength(1)
  for (let i = 2; i <= FEW + 1; i++) hear(said(i, String(i)))
  expect(texts()).toHaveLength(FEW)
  t.watch('PS1')
  expect(asked).toHaveLength(2)
})

test('the words of a call that is over go after a while, but not from under who looks', async () => {
  const done = t.watch('PS1')
  await asked[0]!.answer([said(1, 'words')])
  t.take({ type: 'call.gone', id: 'PS1' })
  vi.advanceTimersByTime(2 * KEEP_MS)
  expect(texts()).toEqual(['words'])
  done()
  vi.advanceTimersByTime(KEEP_MS)
  expect(texts()).toEqual([])
})

test('words that come before their call, or after its end, do not stay for ever', () => {
  hear(said(1, 'early'), 'PS2')
  t.take({ type: 'call', call: { id: 'PS2', from: '', to: '', state: 'menu', since: '', started_at: '' } })
  hear(said(1, 'late'), 'PS3')
  vi.advanceTimersByTime(KEEP_MS)
  expect(texts('PS2')).toEqual(['early'])
  expect(texts('PS3')).toEqual([])
})

test('nothing is kept of who was signed in', async () => {
  const done = t.watch('PS1')
  hear(said(1, 'words'))
  t.clear()
  expect(texts()).toEqual([])
  t.watch('PS1')
  hear(said(1, 'of the next'))
  done()
  vi.advanceTimersByTime(2 * KEEP_MS)
  expect(texts()).toEqual(['of the next'])
})
