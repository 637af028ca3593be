import JsSIP from 'jssip'
import type { RTCSession } from 'jssip/lib/RTCSession'
import type { DisconnectEvent, RTCSessionEvent, UA, UAConfiguration, UnRegisteredEvent } from 'jssip/lib/UA'
import { isProblem } from './api'
import { Leg, type LegEnd, type LegRole, type WithHeaders } from './leg'
import { MicrophoneError, openMicrophone, silence } from './microphone'
import type { PhoneSecret } from './types'

export type PhoneState = 'offline' | 'registering' | 'ready' | 'ringing' | 'talking' | 'moved'

export interface PhoneSnapshot {
  state: PhoneState
  /** The call that rings, is talked in, or has moved to another page. */
  callId: string | null
  role: LegRole | null
  direction: 'in' | 'out' | null
  registered: boolean
  /** It is answered without a ring. */
  auto: boolean
  /** Answered, but the sound is not there yet. */
  answering: boolean
  muted: boolean
  talkingSince: number
  remoteStream: MediaStream | null
  localStream: MediaStream | null
  /** No microphone: we listen only. */
  silentMic: boolean
  microphoneError: MicrophoneError['reason'] | null
  /** The browser wants a click before it plays. */
  soundBlocked: boolean
  lastEnd: LegEnd | null
}

export interface PhoneOptions {
  secret: () => Promise<PhoneSecret>
  /** This tab's name, the same after a reload. */
  instance: () => Promise<string>
  /** Where the sound of the other side is played; it must be an element, or Web Audio is silent too. */
  audio: () => HTMLAudioElement
  context: () => AudioContext
  microphone?: () => string | undefined
  raw?: boolean
  origin?: string
  createUA?: (c: UAConfiguration) => UA
}

const idle: PhoneSnapshot = {
  state: 'offline', callId: null, role: null, direction: null, registered: false, auto: false, answering: false, muted: false,
  talkingSince: 0, remoteStream: null, localStream: null, silentMic: false, microphoneError: null, soundBlocked: false,
  lastEnd: null,
}

/** A secret is renewed so long before it ends. */
const RENEW_MS = 60_000
/** A leg that was replaced and is not hung up by the server after so long is hung up by us. */
const REPLACED_MS = 3_000

/**
 * Phone makes the page a telephone of the server. It registers, comes back by itself after every loss of its socket,
 * and keeps one leg; a leg that the server replaces (X-Ivrd-Answer: auto) is answered at once.
 *
 * It has no handler for the end of the page, on purpose: a page that is reloaded must not hang up.
 */
export class Phone {
  private snapshot = idle
  private readonly listeners = new Set<() => void>()
  private ua: UA | null = null
  private secret: PhoneSecret | null = null
  private leg: Leg | null = null
  private movedCall: string | null = null
  private registered = false
  private started = 0
  private renewal: ReturnType<typeof setTimeout> | undefined
  private lastEnd: LegEnd | null = null
  private microphoneError: MicrophoneError['reason'] | null = null
  private soundBlocked = false

  constructor(private readonly options: PhoneOptions) {}

  getState = (): PhoneSnapshot => this.snapshot
  subscribe = (f: () => void): (() => void) => {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  get state(): PhoneState { return this.snapshot.state }
  get callId(): string | null { return this.snapshot.callId }
  get remoteStream(): MediaStream | null { return this.snapshot.remoteStream }

  async start(): Promise<void> {
    if (this.started) return
    const run = (this.started = Date.now() + Math.random())
    this.changed()
    const [secret, instance] = await Promise.all([this.ask(run), this.options.instance()])
    if (this.started !== run || !secret) return
    this.open(secret, instance)
  }

  /** Ends everything, also a talk: for signing out, not for the end of the page. */
  stop(): void {
    this.started = 0
    clearTimeout(this.renewal)
    this.leg?.hangup()
    this.ua?.stop()
    this.ua = null
    this.registered = false
    this.movedCall = null
    this.changed()
  }

  async answer(): Promise<void> {
    this.microphoneError = null
    try {
      await this.leg?.answer()
    } catch (e) {
      if (!(e instanceof MicrophoneError)) throw e
      this.microphoneError = e.reason
      this.changed()
    }
  }

  decline = (): void => this.leg?.decline()
  hangup = (): void => this.leg?.hangup()
  mute = (on: boolean): void => this.leg?.mute(on)
  key = (k: string): void => { if (this.leg?.state === 'talking') this.leg.key(k) }
  useMicrophone = async (device: string | undefined): Promise<void> => this.leg?.useMicrophone(device)

  async useSpeaker(device: string): Promise<void> {
    const a = this.options.audio() as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }
    await a.setSinkId?.(device)
  }

  /** Makes this page the one that is rung, before it asks for a call by `attach`. */
  registerAgain(): Promise<void> {
    const ua = this.ua
    if (!ua) return Promise.reject(new Error('The phone is not started.'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The phone cannot register.')), 5_000)
      const done = () => { clearTimeout(timer); resolve() }
      // JsSIP tells of a registration only when there was none: this makes it forget, without a word to the server.
      const registrator = ua.registrator() as unknown as { onTransportClosed(): void }
      registrator.onTransportClosed()
      ua.once('registered', done)
      ua.register()
    })
  }

  /** For who has seen that a moved call is over. */
  forgetMoved(): void {
    if (!this.movedCall) return
    this.movedCall = null
    this.changed()
  }

  async call(number: string): Promise<void> {
    const ua = this.ua
    if (!ua || this.leg) return
    this.microphoneError = null
    this.lastEnd = null
    let silentMic = false
    const stream = await openMicrophone(this.options.microphone?.(), this.raw()).catch((e: unknown) => {
      if (!(e instanceof MicrophoneError)) throw e
      this.microphoneError = e.reason
      silentMic = true
      return silence(this.options.context())
    })
    const domain = this.secret?.uri.split('@')[1] ?? 'ivrd'
    ua.call(`sip:${number}@${domain}`, { mediaStream: stream, pcConfig: { iceServers: [] } })
    // newRTCSession has been told by now.
    const leg = this.leg as Leg | null
    if (!leg) return
    leg.localStream = stream
    leg.silentMic = silentMic
    this.changed()
  }

  /** To be called by a click, where the browser had refused to play. */
  unblock(): void {
    void this.options.context().resume()
    this.play(this.options.audio())
  }

  private raw(): boolean { return this.options.raw ?? false }

  /** Asks for a secret until it has one; null when the sign-in has ended. */
  private async ask(run: number): Promise<PhoneSecret | null> {
    for (let wait = 500; this.started === run; wait = Math.min(wait * 2, 8_000)) {
      try {
        return await this.options.secret()
      } catch (e) {
        if (isProblem(e) && (e.status === 401 || e.status === 403 || e.status === 404)) break
        await new Promise((r) => setTimeout(r, wait))
      }
    }
    if (this.started === run) {
      this.started = 0
      this.changed()
    }
    return null
  }

  private open(secret: PhoneSecret, instance: string): void {
    this.secret = secret
    const origin = this.options.origin ?? location.origin.replace(/^http/, 'ws')
    const config: UAConfiguration = {
      sockets: new JsSIP.WebSocketInterface(origin + secret.path),
      uri: secret.uri,
      realm: secret.realm,
      authorization_user: secret.username,
      password: secret.secret,
      instance_id: instance,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 2,
      session_timers: false,
      user_agent: 'ivrd page',
    }
    const ua = this.options.createUA?.(config) ?? new JsSIP.UA(config)
    this.ua = ua
    ua.on('registered', () => this.setRegistered(true))
    ua.on('unregistered', () => this.setRegistered(false))
    ua.on('disconnected', (e: DisconnectEvent) => this.disconnected(e))
    ua.on('registrationFailed', (e: UnRegisteredEvent) => this.refused(e))
    ua.on('newRTCSession', (e: RTCSessionEvent) => this.session(e))
    ua.start()
    this.renewBefore(secret)
  }

  private setRegistered(on: boolean): void {
    this.registered = on
    this.changed()
  }

  private disconnected(e: DisconnectEvent): void {
    this.setRegistered(false)
    if (e.code === 4001) void this.renew()
  }

  private refused(e: UnRegisteredEvent): void {
    this.setRegistered(false)
    const status = e.response?.status_code
    if (status === 401 || status === 403) void this.renew(true)
  }

  private renewBefore(secret: PhoneSecret): void {
    clearTimeout(this.renewal)
    const left = Date.parse(secret.expires_at) - Date.now()
    // Half of what is left where that is short; and a timer holds no more than 24 days.
    const wait = Math.min(Math.max(left - RENEW_MS, left / 2, 1_000), 86_400_000)
    if (Number.isFinite(wait)) this.renewal = setTimeout(() => void this.renew(), wait)
  }

  private async renew(register = false): Promise<void> {
    const run = this.started
    // Who is refused again and again must not ask in a circle.
    if (register) await new Promise((r) => setTimeout(r, 1_000))
    const secret = await this.ask(run)
    if (!secret || !this.ua) return
    this.secret = secret
    this.ua.set('authorization_user', secret.username)
    this.ua.set('realm', secret.realm)
    this.ua.set('password', secret.secret)
    this.renewBefore(secret)
    if (register && this.ua.isConnected()) this.ua.register()
  }

  private session(e: RTCSessionEvent): void {
    const session = e.session as RTCSession
    if (e.originator === 'local') return this.take(this.makeLeg(session, 'out', session.id, 'caller', false))
    const h = e.request as unknown as WithHeaders
    const role = h.getHeader('X-Ivrd-Role') === 'supervisor' ? 'supervisor' : 'agent'
    const auto = h.getHeader('X-Ivrd-Answer') === 'auto'
    // A second ring while one is there has no place; the server does not do it.
    if (this.leg && !auto) return void session.terminate({ status_code: 486 })
    const leg = this.makeLeg(session, 'in', h.getHeader('X-Ivrd-Call') ?? session.id, role, auto)
    this.take(leg)
    if (auto) void this.answer()
  }

  private makeLeg(s: RTCSession, d: 'in' | 'out', id: string, role: LegRole, auto: boolean): Leg {
    return new Leg(s, d, id, role, auto, {
      device: () => this.options.microphone?.(),
      raw: this.raw(),
      context: this.options.context,
    })
  }

  private take(leg: Leg): void {
    const before = this.leg
    this.leg = leg
    this.movedCall = null
    leg.onchange = () => this.changed()
    leg.onended = (end) => this.ended(leg, end)
    if (before) {
      if (before.muted) leg.onchange = keepMuted(leg, () => this.changed())
      setTimeout(() => before.hangup(), REPLACED_MS)
    }
    this.changed()
  }

  private ended(leg: Leg, end: LegEnd): void {
    if (this.leg !== leg) return // it was replaced by another of ours
    this.leg = null
    this.lastEnd = end
    this.movedCall = end.moved ? leg.callId : null
    this.changed()
  }

  private changed(): void {
    this.snapshot = this.describe()
    this.attach(this.snapshot.remoteStream)
    for (const f of this.listeners) f()
  }

  private describe(): PhoneSnapshot {
    const leg = this.leg
    return {
      state: this.word(),
      callId: leg?.callId ?? this.movedCall,
      role: leg?.role ?? null,
      direction: leg?.direction ?? null,
      registered: this.registered,
      auto: leg?.auto ?? false,
      answering: leg?.state === 'answering',
      muted: leg?.muted ?? false,
      talkingSince: leg?.talkingSince ?? 0,
      remoteStream: leg?.remoteStream ?? null,
      localStream: leg?.localStream ?? null,
      silentMic: leg?.silentMic ?? false,
      microphoneError: this.microphoneError,
      soundBlocked: this.soundBlocked,
      lastEnd: this.lastEnd,
    }
  }

  private word(): PhoneState {
    if (this.leg) return this.leg.state === 'talking' ? 'talking' : 'ringing'
    if (this.movedCall) return 'moved'
    if (this.registered) return 'ready'
    return this.started ? 'registering' : 'offline'
  }

  private attach(stream: MediaStream | null): void {
    const a = this.options.audio()
    if (a.srcObject === stream) return
    a.srcObject = stream
    if (stream) this.play(a)
  }

  private play(a: HTMLAudioElement): void {
    a.play().then(
      () => this.block(false),
      (e: unknown) => this.block(e instanceof DOMException && e.name === 'NotAllowedError'),
    )
  }

  private block(on: boolean): void {
    if (this.soundBlocked === on) return
    this.soundBlocked = on
    this.changed()
  }
}

/** A leg that replaces a muted one is muted when it talks: a move must never open a microphone. */
function keepMuted(leg: Leg, then: () => void): () => void {
  return () => {
    if (leg.state === 'talking' && !leg.muted) {
      leg.onchange = then
      leg.mute(true)
      return
    }
    then()
  }
}
