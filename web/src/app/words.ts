import type { Segment, SpokenWord } from '../protocol'

/** Whether a segment is shown as a line: voices have no words, and what turned out to be nothing has none either. */
export const isLine = (s: Segment): boolean => s.kind !== 'voice' && s.text !== ''

/** The latest that a person said or pressed; the house's own prompts tell nothing of a call. */
export function latestLine(segments: readonly Segment[]): Segment | undefined {
  return segments.findLast((s) => isLine(s) && s.kind !== 'prompt')
}

/** Keys, and prompts that have just begun, have no length: they are shown as heard so long. */
const SHORTEST_MS = 800

/** The segments that are being heard at a time of the recording, by their numbers; as text, to compare by. */
export function heardAt(segments: readonly Segment[], ms: number): string {
  return segments.filter((s) => isLine(s) && s.start_ms <= ms && ms < Math.max(s.end_ms, s.start_ms + SHORTEST_MS)).map((s) => s.seq).join(' ')
}

/** The word that is being said at a time, or was last in a pause; -1 before the first. */
export function wordAt(words: readonly SpokenWord[], ms: number): number {
  return words.findLastIndex((w) => w.start_ms <= ms)
}

export interface Piece {
  text: string
  /** Of the word that it is; none for what is between words. */
  word?: number
}

/**
 * Splits a text at its words, which may be written otherwise in it (capitals) and have points and spaces between them.
 * A text in which they are not found one after the other stays whole.
 */
export function piecesOf(text: string, words: readonly SpokenWord[] | undefined): Piece[] {
  const pieces: Piece[] = []
  const folded = text.toLowerCase()
  // Lower case may be longer than what it is of: places in one are not those in the other.
  if (!words?.length || folded.length !== text.length) return [{ text }]
  let at = 0
  for (const [word, w] of words.entries()) {
    const from = folded.indexOf(w.text.toLowerCase(), at)
    if (from < 0 || !w.text) return [{ text }]
    if (from > at) pieces.push({ text: text.slice(at, from) })
    at = from + w.text.length
    pieces.push({ text: text.slice(from, at), word })
  }
  if (at < text.length) pieces.push({ text: text.slice(at) })
  return pieces
}
