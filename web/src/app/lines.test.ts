import { expect, test } from 'vitest'
import type { CallRecord, LegRecord, LiveCall, Voice } from '../protocol'
import { gradeOf, gradeOfRecord, lineOf, worstOf } from './lines'

test.each([[4.41, 'good'], [4.02, 'good'], [4.01, 'fair'], [3.1, 'fair'], [3.09, 'poor'], [1, 'poor']])('MOS %d is %s', (mos, want) => expect(gradeOf(mos)).toBe(want))

test('the worst grade counts', () => {
  expect(worstOf(['good', 'poor', 'fair'])).toBe('poor')
  expect(worstOf(['good', 'fair'])).toBe('fair')
  expect(worstOf([])).toBeUndefined()
})

const voice = (mos: number): Voice => ({ mos, worst_mos: mos, listening_mos: mos, r: 0, loss_percent: 0, burst_ratio: 1, delay_ms: 0, jitter_ms: 0, lost: 0 })
const record = (...legs: LegRecord[]): CallRecord => ({ id: 'PS1', started_at: '', recording: { state: 'none' }, legs })

test('a call is as good as its worst line, whichever way', () => {
  expect(gradeOfRecord(record({ party: 'caller', heard: voice(4.4), peer_heard: voice(4.3) }, { party: 'agent', heard: voice(4.4) }))).toBe('good')
  expect(gradeOfRecord(record({ party: 'caller', heard: voice(4.4), peer_heard: voice(3.5) }))).toBe('fair')
  expect(gradeOfRecord(record({ party: 'caller', heard: voice(4.4) }, { party: 'agent', heard: voice(2) }))).toBe('poor')
})

test('a call of before, or without sound, has no grade', () => {
  expect(gradeOfRecord({ id: 'PS1', started_at: '', recording: { state: 'none' } })).toBeUndefined()
  expect(gradeOfRecord(record({ party: 'caller' }))).toBeUndefined()
})

test('the line of a party, where it is known', () => {
  const call: LiveCall = { id: 'PS1', from: '', to: '', state: 'talking', since: '', started_at: '', lines: [{ party: 'agent', grade: 'fair', heard_mos: 3.5 }] }
  expect(lineOf(call, 'agent')?.grade).toBe('fair')
  expect(lineOf(call, 'caller')).toBeUndefined()
  expect(lineOf({ ...call, lines: undefined }, 'agent')).toBeUndefined()
})
