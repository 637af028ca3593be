import { expect, test } from 'vitest'
import type { Emotion, Feeling, Segment } from '../protocol'
import { canTell, drawingOf, JOIN_MS, levelOf, moodOf, pointsOf, samePoints, scaleOf, surenessOf, toldOf, type Point } from './feelings'

const felt = (arousal: number | null, valence: number | null = null, label: Feeling = 'unknown'): Emotion => ({
  label, confidence: 0.3, method: 'rules-v1',
  arousal: { value: arousal ?? 0.5, confidence: arousal === null ? 0 : 0.6 }, valence: { value: valence ?? 0, confidence: valence === null ? 0 : 0.5 },
})
const at = (from: number, emotion: Emotion): Point => ({ from, to: from + 1_000, emotion, words: true })

test('how sure a guess is, in words', () => {
  expect([0, 0.39, 0.4, 0.69, 0.7, 1].map(surenessOf)).toEqual(['low', 'low', 'middling', 'middling', 'high', 'high'])
})

test('unknown and neutral are no feelings to tell', () => {
  expect([felt(1, null, 'anger'), felt(1, null, 'neutral'), felt(1), undefined].map(toldOf)).toEqual(['anger', undefined, undefined, undefined])
})

test('excited and calm are by what is usual; a mood needs something known', () => {
  expect([0.1, 0.5, 0.9].map(levelOf)).toEqual(['calm', 'usual', 'excited'])
  expect([felt(1, -0.5), felt(1, 0.5), felt(1, 0.1), felt(1)].map(moodOf)).toEqual(['unpleasant', 'pleasant', undefined, undefined])
})

test('only the caller is judged, by final segments, with words or without', () => {
  const s: Segment = { seq: 1, speaker: 'caller', start_ms: 0, end_ms: 900, kind: 'voice', text: '', final: true, emotion: felt(0.8) }
  expect(pointsOf([s, { ...s, speaker: 'agent' }, { ...s, final: false }, { ...s, emotion: undefined }])).toEqual([{ from: 0, to: 900, emotion: s.emotion, words: false }])
})

test('an utterance is a stroke at its arousal, in the colour of its valence; the next one is joined to it', () => {
  const d = drawingOf([at(0, felt(0.5)), at(5_000, felt(0.9, -0.6, 'anger'))], 0, 10_000)
  expect(d.strokes).toEqual([
    { x1: 0, y1: 0.5, x2: 0.1, y2: 0.5, tone: 'off' },
    { x1: 0.1, y1: 0.5, x2: 0.5, y2: expect.closeTo(0.1), tone: 'bad', thin: true },
    { x1: 0.5, y1: expect.closeTo(0.1), x2: 0.6, y2: expect.closeTo(0.1), tone: 'bad' },
  ])
  expect(d.marks).toMatchObject([{ x: 0.55, label: 'anger' }])
})

test('there is a gap where nothing is known, and over a long pause', () => {
  const unknown = drawingOf([at(0, felt(0.5)), at(2_000, felt(null)), at(4_000, felt(0.5))], 0, 10_000)
  expect(unknown.strokes.map((s) => s.thin)).toEqual([undefined, undefined])
  const pause = drawingOf([at(0, felt(0.5)), at(1_001 + JOIN_MS, felt(0.5))], 0, 60_000)
  expect(pause.strokes.map((s) => s.thin)).toEqual([undefined, undefined])
})

test('a feeling that words told has a mark also where the voice told nothing', () => {
  const d = drawingOf([at(0, felt(null, -0.5, 'sadness'))], 0, 10_000)
  expect(d.strokes).toEqual([])
  expect(d.marks).toMatchObject([{ y: 0.5, label: 'sadness' }])
})

test('nothing is drawn out of the picture', () => {
  const wild = [at(0, felt(0.5)), at(58_000, felt(7, 0, 'fear')), at(70_000, felt(-3))]
  for (const { x1, x2, y1, y2 } of drawingOf(wild, 55_000, 60_000).strokes) {
    for (const v of [x1, y1, y2]) expect(v).toBeGreaterThanOrEqual(0)
    for (const v of [x1, y1, y2]) expect(v).toBeLessThanOrEqual(1)
    expect(x2).toBeLessThanOrEqual(1.01)
  }
  expect(drawingOf([at(0, felt(0.5))], 0, 0).strokes).toHaveLength(1)
})

test('marks of one feeling do not cover each other', () => {
  const angry = Array.from({ length: 100 }, (_, i) => at(10_000 * i, felt(0.8, -0.5, i === 50 ? 'fear' : 'anger')))
  const { marks } = drawingOf(angry, 0, 1_000_000)
  expect(marks.filter((m) => m.label === 'fear')).toHaveLength(1)
  expect(marks.length).toBeLessThan(36)
})

test('points stay what they were while nobody is judged anew', () => {
  const before = [at(0, felt(0.5))]
  expect(samePoints(before, [{ ...before[0]! }])).toBe(before)
  for (const now of [[], [at(0, felt(0.5))], [...before, ...before]]) expect(samePoints(before, now)).toBe(now)
})

test('what is unknown all along is no picture', () => {
  expect([[], [felt(null)], [felt(null, -1)], [felt(null), felt(0.5)], [felt(null, null, 'fear')]].map((all) => canTell(all.map((e) => at(0, e))))).toEqual([false, false, false, true, true])
})

test('the picture grows by steps', () => {
  expect([0, 60_000, 60_001, 170_000, 3_600_001].map((ms) => scaleOf(ms) / 60_000)).toEqual([1, 1, 2, 3, 120])
})
