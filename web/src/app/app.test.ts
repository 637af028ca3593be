import { expect, test, vi } from 'vitest'

vi.mock('./clients', () => ({ events: { getState: () => ({ ahead: 0 }) } }))

import type { LiveCall } from '../protocol'
import { clock, since } from './time'
import { byUrgency, troubleOf } from './urgency'

test.each([[0, '00:00'], [222_000, '03:42'], [3_723_000, '1:02:03'], [-5, '00:00']])('clock of %d', (ms, want) => expect(clock(ms)).toBe(want))

test('a time that is not there, or zero, began now', () => {
  expect([since(undefined, 5), since('0001-01-01T00:00:00Z', 5), since(new Date(1_000).toISOString(), 3_000)]).toEqual([0, 0, 2_000])
})

const now = Date.parse('2026-01-31T11:00:00Z')
const call = (id: string, state: LiveCall['state'], seconds: number): LiveCall =>
  ({ id, state, from: '', to: '', started_at: '', since: new Date(now - seconds * 1_000).toISOString() })

test('trouble first, then who waits, then who talks, the longest first', () => {
  const calls = [call('menu', 'menu', 900), call('talk', 'talking', 500), call('longer', 'talking', 800), call('wait', 'waiting', 20), call('late', 'waiting', 70), call('held', 'held', 90), call('gone', 'away', 3)]
  expect(byUrgency(calls, now).map((c) => c.id)).toEqual(['held', 'late', 'gone', 'wait', 'longer', 'talk', 'menu'])
  expect(troubleOf(call('x', 'held', 30), now)).toBeNull()
})

test('rising anger is trouble, in every state', () => {
  const angry: LiveCall = { ...call('angry', 'menu', 5), escalate: true }
  expect(byUrgency([call('wait', 'waiting', 20), angry, call('late', 'waiting', 70)], now).map((c) => c.id)).toEqual(['late', 'angry', 'wait'])
  expect(troubleOf(angry, now)).toBe('anger')
})
