import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DEAD_MS, Events, STALE_MS, type Socket } from './events'
import type { ServerEvent } from './types'

class FakeSocket implements Socket {
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  closed = false
  close() { this.closed = true }
  tell(e: ServerEvent) { this.onmessage?.({ data: JSON.stringify(e) } as MessageEvent) }
  lose(code: number) { this.onclose?.({ code } as CloseEvent) }
}

const now = '2026-01-31T11:00:00Z'
const snapshot: ServerEvent = { type: 'snapshot', now, calls: [], queues: null, agents: [{ name: 'alice', state: 'ready', since: now }] }

let sockets: FakeSocket[]
let signedIn: ReturnType<typeof vi.fn<() => Promise<boolean>>>
let heard: ReturnType<typeof vi.fn<(e: ServerEvent) => void>>
let events: Events

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(now) - 1_000 })
  sockets = []
  signedIn = vi.fn(async () => true)
  heard = vi.fn()
  events = new Events({ open: () => { const s = new FakeSocket(); sockets.push(s); return s }, signedIn, heard, random: () => 1 })
})

afterEach(() => {
  events.stop()
  vi.useRealTimers()
})

const last = () => sockets.at(-1)!
const status = () => events.getState().status

test('the snapshot makes it live; events change what is shown, never in place', () => {
  events.start()
  last().tell(snapshot)
  const before = events.getState()
  expect(before).toMatchObject({ status: 'live', known: true, ahead: 1_000 })
  last().tell({ type: 'call', call: { id: 'PS1', from: '1', to: '2', state: 'menu', since: now, started_at: now } })
  expect(events.getState().calls.get('PS1')?.state).toBe('menu')
  expect(before.calls.size).toBe(0)
  last().tell({ type: 'call.gone', id: 'PS1' })
  expect(events.getState().calls.size).toBe(0)
})

test('words are told to who listens for them, and change nothing of what is shown of calls', () => {
  events.start()
  last().tell(snapshot)
  const before = events.getState()
  const words: ServerEvent = { type: 'segment', id: 'PS1', segment: { seq: 1, speaker: 'caller', start_ms: 0, end_ms: 1, kind: 'words', text: 'hello', final: true } }
  last().tell(words)
  expect(heard.mock.calls).toEqual([[snapshot], [words]])
  expect(events.getState()).toBe(before)
  vi.advanceTimersByTime(STALE_MS)
  last().tell(words)
  expect(status()).toBe('live')
})

test('a type that is not known yet changes nothing', () => {
  events.start()
  last().tell(snapshot)
  last().tell({ type: 'words' } as unknown as ServerEvent)
  expect(status()).toBe('live')
})

test('5 s without a word are stale, a word makes it live again, 10 s are a dead socket', () => {
  events.start()
  last().tell(snapshot)
  vi.advanceTimersByTime(STALE_MS)
  expect(status()).toBe('stale')
  last().tell({ type: 'tick', now })
  expect(status()).toBe('live')
  vi.advanceTimersByTime(DEAD_MS)
  expect(status()).toBe('lost')
  expect(sockets[0]!.closed).toBe(true)
})

test('it comes back by itself, later each time, and a snapshot ends the waiting', async () => {
  events.start()
  last().tell(snapshot)
  const waits = [250, 500, 1_000]
  for (const [i, wait] of waits.entries()) {
    last().lose(1006)
    await vi.advanceTimersByTimeAsync(wait - 1)
    expect(sockets).toHaveLength(i + 1)
    await vi.advanceTimersByTimeAsync(1)
    expect(sockets).toHaveLength(i + 2)
  }
  expect(status()).toBe('lost')
  last().tell(snapshot)
  last().lose(1001)
  await vi.advanceTimersByTimeAsync(250)
  expect(sockets).toHaveLength(5)
})

test('4003 connects again at once', async () => {
  events.start()
  last().tell(snapshot)
  last().lose(4003)
  await vi.advanceTimersByTimeAsync(0)
  expect(sockets).toHaveLength(2)
})

test('4008 waits like any other loss', async () => {
  events.start()
  last().tell(snapshot)
  last().lose(4008)
  await vi.advanceTimersByTimeAsync(0)
  expect(sockets).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(250)
  expect(sockets).toHaveLength(2)
})

test('4001 ends it', async () => {
  events.start()
  last().tell(snapshot)
  last().lose(4001)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(status()).toBe('signed-out')
  expect(sockets).toHaveLength(1)
})

test('a handshake that is refused asks whether the sign-in still holds', async () => {
  signedIn.mockResolvedValue(false)
  events.start()
  last().lose(1006)
  await vi.advanceTimersByTimeAsync(250)
  expect(signedIn).not.toHaveBeenCalled()
  last().lose(1006)
  await vi.advanceTimersByTimeAsync(500)
  expect(status()).toBe('signed-out')
})

test('what a socket of before says is not heard', () => {
  events.start()
  const old = last()
  old.lose(1006)
  events.hurry()
  old.tell(snapshot)
  expect(events.getState().known).toBe(false)
  expect(sockets).toHaveLength(2)
})
