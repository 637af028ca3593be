import { EventEmitter } from 'events'
import type { UA, UAConfiguration } from 'jssip/lib/UA'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Problem } from './api'
import { isMoved } from './leg'
import { Phone } from './phone'
import type { PhoneSecret } from './types'

class FakeUA extends EventEmitter {
  settings: Record<string, unknown> = {}
  registers = 0
  stopped = false
  constructor(readonly config: UAConfiguration) { super() }
  start() {}
  stop() { this.stopped = true }
  register() { this.registers++ }
  isConnected() { return true }
  registrator() { return { onTransportClosed: () => this.emit('unregistered', {}) } }
  set(k: string, v: unknown) { this.settings[k] = v; return true }
}

class FakeSession extends EventEmitter {
  id = Math.random().toString(36)
  connection: unknown = undefined
  answered: unknown = undefined
  terminated: unknown[] = []
  muted = false
  answer(o: unknown) { this.answered = o }
  terminate(o?: unknown) { this.terminated.push(o) }
  mute() { this.muted = true }
  unmute() { this.muted = false }
  sendDTMF = vi.fn()
}

const secret = (n: number): PhoneSecret => ({
  uri: 'sip:alice@ivrd', realm: 'ivrd', username: `alice~${n}`, secret: `s${n}`, expires_at: new Date(Date.now() + 600_000).toISOString(), path: '/sip',
})

let ua: FakeUA
let asked: number
let phone: Phone
const track = { kind: 'audio', enabled: true, stop: vi.fn() }
const getUserMedia = vi.fn(async (_: MediaStreamConstraints) => ({ getTracks: () => [track], getAudioTracks: () => [track] }))
const audio = { srcObject: null, play: async () => {} } as unknown as HTMLAudioElement

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } })
  getUserMedia.mockClear()
  asked = 0
  phone = new Phone({
    secret: async () => secret(++asked),
    instance: async () => '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
    audio: () => audio,
    context: () => ({ createMediaStreamDestination: () => ({ stream: { getTracks: () => [], getAudioTracks: () => [] } }) }) as unknown as AudioContext,
    origin: 'ws://house',
    createUA: (c) => (ua = new FakeUA(c)) as unknown as UA,
  })
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function registered() {
  await phone.start()
  ua.emit('registered', {})
}

function invite(headers: Record<string, string>): FakeSession {
  const session = new FakeSession()
  ua.emit('newRTCSession', { originator: 'remote', session, request: { getHeader: (n: string) => headers[n] } })
  return session
}

const offer = { 'X-Ivrd-Call': 'PS1', 'X-Ivrd-Role': 'agent' }
const auto = { ...offer, 'X-Ivrd-Answer': 'auto' }

async function talking(headers: Record<string, string> = auto): Promise<FakeSession> {
  const s = invite(headers)
  if (!headers['X-Ivrd-Answer']) await phone.answer()
  await vi.advanceTimersByTimeAsync(0)
  s.emit('confirmed', {})
  return s
}

const bye = (reason?: string) => ({ originator: 'remote', cause: 'Terminated', message: { getHeader: () => reason } })

test('it registers with what the server gave', async () => {
  expect(phone.state).toBe('offline')
  const started = phone.start()
  expect(phone.state).toBe('registering')
  await started
  expect(ua.config).toMatchObject({ uri: 'sip:alice@ivrd', authorization_user: 'alice~1', password: 's1', realm: 'ivrd', instance_id: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', connection_recovery_min_interval: 1 })
  ua.emit('registered', {})
  expect(phone.state).toBe('ready')
})

test('an offer rings until it is answered, and the other side is heard', async () => {
  await registered()
  const s = invite(offer)
  expect(phone.getState()).toMatchObject({ state: 'ringing', callId: 'PS1', role: 'agent', auto: false })
  expect(s.answered).toBeUndefined()
  await phone.answer()
  expect(s.answered).toMatchObject({ mediaStream: expect.anything() })
  s.emit('confirmed', {})
  expect(phone.state).toBe('talking')
  s.emit('ended', bye())
  expect(phone.getState()).toMatchObject({ state: 'ready', callId: null })
  expect(track.stop).toHaveBeenCalled()
})

test('auto is answered at once', async () => {
  await registered()
  const s = await talking(auto)
  expect(s.answered).toBeDefined()
  expect(phone.state).toBe('talking')
})

test('decline refuses, and the first candidate is enough', async () => {
  await registered()
  const s = invite(offer)
  const ready = vi.fn()
  s.emit('icecandidate', { ready })
  expect(ready).toHaveBeenCalledOnce()
  phone.decline()
  expect(s.terminated).toEqual([{ status_code: 486 }])
})

test('an agent without a microphone goes on ringing and is told why', async () => {
  await registered()
  getUserMedia.mockRejectedValueOnce(new DOMException('no', 'NotAllowedError'))
  const s = invite(offer)
  await phone.answer()
  expect(s.answered).toBeUndefined()
  expect(phone.getState()).toMatchObject({ state: 'ringing', microphoneError: 'denied' })
})

test('a supervisor without a microphone listens all the same', async () => {
  await registered()
  getUserMedia.mockRejectedValueOnce(new DOMException('no', 'NotFoundError'))
  const s = await talking({ ...auto, 'X-Ivrd-Role': 'supervisor' })
  expect(s.answered).toBeDefined()
  expect(phone.getState()).toMatchObject({ state: 'talking', role: 'supervisor', silentMic: true })
})

test('"moved" tells that the sound is elsewhere, until it comes back or is over', async () => {
  await registered()
  const s = await talking()
  s.emit('ended', bye('ivrd;text="moved"'))
  expect(phone.getState()).toMatchObject({ state: 'moved', callId: 'PS1' })
  await talking(auto)
  expect(phone.state).toBe('talking')
  const again = await talking(auto)
  again.emit('ended', bye('ivrd;text="moved"'))
  phone.forgetMoved()
  expect(phone.state).toBe('ready')
})

test('a leg that replaces another keeps the mute, and the old one is given up without a word', async () => {
  await registered()
  const old = await talking()
  phone.mute(true)
  const s = await talking(auto)
  expect(s.muted).toBe(true)
  old.emit('ended', bye('ivrd;text="moved"'))
  expect(phone.getState()).toMatchObject({ state: 'talking', callId: 'PS1', muted: true })
})

test('an old leg that the server forgets is hung up after a while', async () => {
  await registered()
  const old = await talking()
  await talking(auto)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(old.terminated).toHaveLength(1)
})

test('a second ring is refused as busy', async () => {
  await registered()
  await talking()
  const s = invite({ 'X-Ivrd-Call': 'PS2', 'X-Ivrd-Role': 'agent' })
  expect(s.terminated).toEqual([{ status_code: 486 }])
  expect(phone.callId).toBe('PS1')
})

test('an agent who talks is not taken away by an auto of another call; a monitor is', async () => {
  await registered()
  const first = await talking(auto)
  expect(invite({ ...auto, 'X-Ivrd-Call': 'PS2' }).terminated).toHaveLength(1)
  expect(phone.callId).toBe('PS1')
  first.emit('ended', bye())
  const supervisor = (id: string) => ({ 'X-Ivrd-Call': id, 'X-Ivrd-Role': 'supervisor' })
  invite(supervisor('PS3'))
  await vi.advanceTimersByTimeAsync(0)
  invite(supervisor('PS4'))
  expect(phone.getState()).toMatchObject({ callId: 'PS4', role: 'supervisor', auto: true })
})

test('a talk outlives the loss of the socket', async () => {
  await registered()
  await talking()
  ua.emit('disconnected', { error: true, code: 1006 })
  ua.emit('unregistered', {})
  expect(phone.getState()).toMatchObject({ state: 'talking', registered: false })
})

test('the secret is renewed before it ends, and after a refusal', async () => {
  await registered()
  await vi.advanceTimersByTimeAsync(540_000)
  expect(asked).toBe(2)
  expect(ua.settings).toMatchObject({ authorization_user: 'alice~2', password: 's2' })
  ua.emit('registrationFailed', { response: { status_code: 403 } })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toBe(3)
  expect(ua.registers).toBe(1)
})

test('a sign-in that has ended stops it', async () => {
  phone = new Phone({ ...(phone as unknown as { options: ConstructorParameters<typeof Phone>[0] }).options, secret: async () => { throw new Problem('sign-in', 401, '') } })
  await phone.start()
  expect(phone.state).toBe('offline')
})

test('move here: registers anew and waits for it', async () => {
  await registered()
  let done = false
  const moving = phone.registerAgain().then(() => { done = true })
  await vi.advanceTimersByTimeAsync(10)
  expect([ua.registers, done]).toEqual([1, false])
  ua.emit('registered', {})
  await moving
  expect(done).toBe(true)
})

test('keys are RFC 4733 events, in a talk only', async () => {
  await registered()
  phone.key('1')
  const s = await talking()
  phone.key('1')
  expect(s.sendDTMF).toHaveBeenCalledExactlyOnceWith('1', expect.objectContaining({ transportType: 'RFC2833' }))
})

test.each([
  ['ivrd;text="moved"', true], ['ivrd ;cause=1; text=moved', true], ['SIP;cause=200;text="moved"', false], ['ivrd;text="removed"', false], [undefined, false],
])('Reason %s', (reason, want) => expect(isMoved(reason)).toBe(want))
