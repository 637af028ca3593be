import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { QUICK_MS, SILENT_MS, SipSocket } from './sipsocket'

class FakeWebSocket {
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((e: { data: unknown }) => void) | null = null
  onclose: ((e: { wasClean: boolean; code: number; reason: string }) => void) | null = null
  sent: string[] = []
  closed = false
  send(m: string) { this.sent.push(m) }
  close() { this.closed = true; this.readyState = 3 }
  opens() { this.readyState = 1; this.onopen?.() }
  closes(code = 1006) { this.readyState = 3; this.onclose?.({ wasClean: code !== 1006, code, reason: '' }) }
}

let all: FakeWebSocket[]
let s: SipSocket
const last = () => all.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  all = []
  s = new SipSocket('wss://house:8443/sip', () => { const w = new FakeWebSocket(); all.push(w); return w as unknown as WebSocket })
  s.onconnect = vi.fn()
  s.ondisconnect = vi.fn()
  s.ondata = vi.fn()
  s.connect()
})

afterEach(() => {
  s.disconnect()
  vi.useRealTimers()
})

test('what JsSIP wants to know of it', () => {
  expect([s.via_transport, s.sip_uri, s.isConnecting(), s.isConnected()]).toEqual(['WSS', 'sip:house:8443;transport=ws', true, false])
  expect(s.send('x')).toBe(false)
  last().opens()
  expect([s.isConnected(), s.send('x'), last().sent]).toEqual([true, true, ['x']])
})

test('after a loss it is back at once', () => {
  last().opens()
  last().closes()
  expect(s.ondisconnect).toHaveBeenCalledWith(true, 1006, '')
  vi.advanceTimersByTime(QUICK_MS)
  expect(all).toHaveLength(2)
  last().opens()
  expect(s.onconnect).toHaveBeenCalledTimes(2)
})

test('a server that does not take us is left to the slower tries', () => {
  last().closes()
  vi.advanceTimersByTime(60_000)
  expect(all).toHaveLength(1)
})

test('4001 is not pressed', () => {
  last().opens()
  last().closes(4001)
  expect(s.ondisconnect).toHaveBeenCalledWith(false, 4001, '')
  vi.advanceTimersByTime(60_000)
  expect(all).toHaveLength(1)
})

test('a network that died without a word is noticed', () => {
  last().opens()
  last().onmessage?.({ data: '\r\n\r\n' })
  vi.advanceTimersByTime(SILENT_MS - 1)
  last().onmessage?.({ data: '\r\n\r\n' })
  vi.advanceTimersByTime(SILENT_MS - 1)
  expect(s.ondisconnect).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(s.ondisconnect).toHaveBeenCalledWith(true, 1006, 'silent')
  expect(all[0]!.closed).toBe(true)
})

test('whoever disconnects stays so', () => {
  last().opens()
  const w = last()
  s.disconnect()
  w.closes()
  vi.advanceTimersByTime(60_000)
  expect(s.ondisconnect).not.toHaveBeenCalled()
  expect(all).toHaveLength(1)
})
