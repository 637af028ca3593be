import type { CallRecord, Grade, LiveCall, LiveLine, Voice } from '../protocol'

/** The word for a MOS, by the limits of the server (docs/api.md). */
export function gradeOf(mos: number): Grade {
  return mos >= 4.02 ? 'good' : mos >= 3.1 ? 'fair' : 'poor'
}

const rank: Record<Grade, number> = { poor: 0, fair: 1, good: 2 }

/** The worst of some grades; undefined of none. */
export function worstOf(grades: Grade[]): Grade | undefined {
  return [...grades].sort((a, b) => rank[a] - rank[b])[0]
}

/** How the worst line of an ended call was, both ways. */
export function gradeOfRecord(c: CallRecord): Grade | undefined {
  return worstOf((c.legs ?? []).flatMap((l) => [l.heard, l.peer_heard]).filter((v): v is Voice => v !== undefined).map((v) => gradeOf(v.mos)))
}

export function lineOf(c: LiveCall, party: LiveLine['party']): LiveLine | undefined {
  return c.lines?.find((l) => l.party === party)
}
