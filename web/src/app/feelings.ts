import type { Emotion, Feeling, Segment } from '../protocol'

/** How sure a guess is, in words: the number behind it is no probability (docs/emotion.md). */
export type Sureness = 'low' | 'middling' | 'high'

export const surenessOf = (confidence: number): Sureness => (confidence < 0.4 ? 'low' : confidence < 0.7 ? 'middling' : 'high')

export type Told = Exclude<Feeling, 'unknown' | 'neutral'>

/** The feeling that is worth a mark; none where it is unknown or neutral. */
export function toldOf(e: Pick<Emotion, 'label'> | undefined): Told | undefined {
  return e && e.label !== 'unknown' && e.label !== 'neutral' ? e.label : undefined
}

/** Whether somebody is more excited than they usually are, or calmer. */
export type Level = 'calm' | 'usual' | 'excited'
export const levelOf = (arousal: number): Level => (arousal < 0.35 ? 'calm' : arousal > 0.65 ? 'excited' : 'usual')

/** Pleasant or not; undefined where nothing is known, or it is neither. */
export function moodOf(e: Emotion): 'pleasant' | 'unpleasant' | undefined {
  if (e.valence.confidence <= 0 || Math.abs(e.valence.value) < 0.15) return undefined
  return e.valence.value < 0 ? 'unpleasant' : 'pleasant'
}

export interface Point {
  from: number
  to: number
  emotion: Emotion
  /** Words were heard as well as the voice. */
  words: boolean
}

/** What the caller's utterances expressed, in order. Others are not judged, and not shown if they are. */
export function pointsOf(segments: readonly Segment[]): Point[] {
  return segments.flatMap((s) => (s.speaker === 'caller' && s.final && s.emotion ? [{ from: s.start_ms, to: s.end_ms, emotion: s.emotion, words: s.kind === 'words' }] : []))
}

/** The same array as before where the same utterances were judged: what others say draws nothing anew. */
export function samePoints(before: readonly Point[], now: readonly Point[]): readonly Point[] {
  const same = before.length === now.length && now.every((p, i) => p.emotion === before[i]!.emotion && p.to === before[i]!.to)
  return same ? before : now
}

/** Whether there is anything in the points that could be drawn. */
export const canTell = (points: readonly Point[]): boolean => points.some((p) => p.emotion.arousal.confidence > 0 || toldOf(p.emotion))

export type Tone = 'ok' | 'bad' | 'off'

export interface Stroke {
  x1: number
  y1: number
  x2: number
  y2: number
  tone: Tone
  /** It joins two utterances: nothing was heard there. */
  thin?: boolean
}

/** What is drawn from `from` to `to` milliseconds of a call: x and y from 0 to 1, y downwards. */
export interface Drawing {
  strokes: Stroke[]
  marks: { x: number; y: number; label: Told; point: Point }[]
}

/** A pause that is longer has no line through it: nobody knows what was there. */
export const JOIN_MS = 20_000
/** An utterance is drawn at least as wide. */
const NARROW = 0.008
/** Marks of the same feeling have at least as much between them. */
const NEAR = 0.03

/** The line of arousal with its gaps, and the feelings that were told on it. */
export function drawingOf(points: readonly Point[], from: number, to: number): Drawing {
  const d: Drawing = { strokes: [], marks: [] }
  const x = (ms: number) => Math.min(1, Math.max(0, (ms - from) / Math.max(1, to - from)))
  let last: { to: number; y: number } | undefined
  for (const p of points) {
    const known = p.emotion.arousal.confidence > 0
    const y = known ? 1 - Math.min(1, Math.max(0, p.emotion.arousal.value)) : 0.5
    if (p.to >= from) {
      const [x1, x2] = [x(p.from), Math.max(x(p.from) + NARROW, x(p.to))]
      const tone = toneOf(p.emotion)
      if (known && last && p.from - last.to <= JOIN_MS) d.strokes.push({ x1: x(last.to), y1: last.y, x2: x1, y2: y, tone, thin: true })
      if (known) d.strokes.push({ x1, y1: y, x2, y2: y, tone })
      const label = toldOf(p.emotion)
      const mark = { x: (x1 + x2) / 2, y }
      // One that would cover the same one before it says nothing new.
      if (label && !d.marks.some((m) => m.label === label && mark.x - m.x < NEAR)) d.marks.push({ ...mark, label, point: p })
    }
    last = known ? { to: p.to, y } : undefined
  }
  return d
}

function toneOf(e: Emotion): Tone {
  const mood = moodOf(e)
  return mood === 'unpleasant' ? 'bad' : mood === 'pleasant' ? 'ok' : 'off'
}

const SCALES_MIN = [1, 2, 3, 5, 10, 15, 20, 30, 45, 60]

/** The length of time that is shown: it grows by steps, so that nothing moves while nothing happens. */
export function scaleOf(ms: number): number {
  const minutes = ms / 60_000
  return (SCALES_MIN.find((m) => minutes <= m) ?? 60 * Math.ceil(minutes / 60)) * 60_000
}
