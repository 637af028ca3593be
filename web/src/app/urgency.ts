import type { LiveCall } from '../protocol'
import { since } from './time'

export const LONG_HOLD_MS = 60_000
export const LONG_WAIT_MS = 60_000

export type Trouble = 'away' | 'anger' | 'held' | 'waiting' | null

/** Why a call needs a supervisor now. */
export function troubleOf(c: LiveCall, now: number): Trouble {
  if (c.state === 'away') return 'away'
  if (c.escalate) return 'anger'
  if (c.state === 'held' && since(c.since, now) > LONG_HOLD_MS) return 'held'
  if (waits(c) && since(c.waiting_since ?? c.since, now) > LONG_WAIT_MS) return 'waiting'
  return null
}

const waits = (c: LiveCall) => c.state === 'waiting' || c.state === 'ringing'
const rank = (c: LiveCall, now: number) => (troubleOf(c, now) ? 0 : waits(c) ? 1 : c.state === 'menu' ? 3 : 2)

/** Trouble first, then who waits, then who talks, then the menus; the longest first in each. */
export function byUrgency(calls: Iterable<LiveCall>, now: number): LiveCall[] {
  return [...calls].sort((a, b) =>
    rank(a, now) - rank(b, now) || Date.parse(a.waiting_since ?? a.since) - Date.parse(b.waiting_since ?? b.since) || a.id.localeCompare(b.id))
}
