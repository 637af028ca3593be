import type { RTCSession } from 'jssip/lib/RTCSession'
import type { RTCSessionEvent } from 'jssip/lib/UA'
import { Account, type AccountOptions } from './account'
import { Leg, type LegEnd, type LegRole, type WithHeaders } from './leg'
import { MicrophoneError, openMicrophone, silence } from './microphone'

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

export interface PhoneOptions extends AccountOptions {
  /** Where the sound of the other side is played; it must be an element, or Web Audio is silent too. */
  audio: () => HTMLAudioElement
  context: () => AudioContext
  microphone?: () => string | undefined
  raw?: boolean
  /** Keeps the ID of the call that is muted over a reload: a page that comes back must not open a microphone. */
  mutedCall?: { get(): string | null; set(id: string | null): void }
}

/** A leg that was replaced and is not hung up by the server after so long is hung up by us. */
const REPLACED_MS = 3_000

/**
 * Phone makes the page a telephone of the server. It registers, comes back by itself after every loss of its socket,
 * and keeps one leg; a leg that the server replaces (X-Ivrd-Answer: auto) is answered at once.
 *
 * It has no handler for the end of the page, on purpose: a page that is reloaded must not hang up.
 */
export class Phone {
  private readonly account: Account
  private readonly listeners = new Set<() => void>()
  private readonly mutedCall: NonNullable<PhoneOptions['mutedCall']>
  private leg: Leg | null = null
  private movedCall: string | null = null
  private lastEnd: LegEnd | null = null
  private microphoneError: MicrophoneError['reason'] | null = null
  private soundBlocked = false
  private snapshot: PhoneSnapshot

  constructor(private readonly options: PhoneOptions) {
    this.mutedCall = options.mutedCall ?? inMemory()
    this.account = new Account(options)
    this.account.onchange = () => this.changed()
    this.account.onsession = (e) => this.session(e)
    this.snapshot = this.describe()
  }

  getState = (): PhoneSnapshot => this.snapshot
  subscribe = (f: () => void): (() => void) => {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  get state(): PhoneState { return this.snapshot.state }
  get callId(): string | null { return this.snapshot.callId }
  get username(): string { return this.account.username }
  get remoteStream(): MediaStream | null { return this.snapshot.remoteStream }

  start = (): Promise<void> => this.account.start()
  whenRegistered = (): Promise<void> => this.account.whenRegistered()
  /** Makes this page the one that is rung, with the newest secret, before it asks for a call by `attach`. */
  registerAgain = (): Promise<void> => this.account.again()
  /** Connects anew at once, as when the browser says that the network is back. */
  hurry = (): void => this.account.hurry()

  /** Ends everything, also a talk: for signing out, not for the end of the page. */
  stop(): void {
    this.leg?.hangup()
    this.movedCall = null
    this.account.stop()
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

  mute(on: boolean): void {
    if (!this.leg) return
    this.mutedCall.set(on ? this.leg.callId : null)
    this.leg.mute(on)
  }

  key(k: string): void {
    if (this.leg?.state === 'talking') this.leg.key(k)
  }

  useMicrophone = async (device: string | undefined): Promise<void> => this.leg?.useMicrophone(device)

  async useSpeaker(device: string): Promise<void> {
    const a = this.options.audio() as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }
    await a.setSinkId?.(device)
  }

  /** For who has seen that a moved call is over. */
  forgetMoved(): void {
    if (!this.movedCall) return
    this.movedCall = null
    this.changed()
  }

  async call(number: string): Promise<void> {
    if (!this.account.ua || this.leg) return
    this.microphoneError = null
    this.lastEnd = null
    let silentMic = false
    const stream = await openMicrophone(this.options.microphone?.(), this.options.raw ?? false).catch((e: unknown) => {
      if (!(e instanceof MicrophoneError)) throw e
      this.microphoneError = e.reason
      silentMic = true
      return silence(this.options.context())
    })
    this.account.ua?.call(`sip:${number}@${this.account.domain}`, { mediaStream: stream, pcConfig: { iceServers: [] } })
    // The session has been told by now.
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

  private session(e: RTCSessionEvent): void {
    const session = e.session as RTCSession
    if (e.originator === 'local') return this.take(this.makeLeg(session, 'out', session.id, 'caller', false))
    const h = e.request as unknown as WithHeaders
    const role = h.getHeader('X-Ivrd-Role') === 'supervisor' ? 'supervisor' : 'agent'
    // A supervisor has asked for what comes, by a click.
    const auto = h.getHeader('X-Ivrd-Answer') === 'auto' || role === 'supervisor'
    const id = h.getHeader('X-Ivrd-Call') ?? session.id
    if (this.leg && !(auto && this.replaceable(this.leg, role, id))) return void session.terminate({ status_code: 486 })
    this.take(this.makeLeg(session, 'in', id, role, auto))
    if (auto) void this.answer()
    else void this.warm()
  }

  /** A microphone that the person has allowed before may be opened before the answer; else they are asked at the answer. */
  private async warm(): Promise<void> {
    const leg = this.leg
    const allowed = await globalThis.navigator?.permissions?.query({ name: 'microphone' }).catch(() => null)
    if (allowed?.state === 'granted' && leg?.state === 'ringing') leg.warm()
  }

  /** An agent's talk gives way to another leg of the same call only; a monitor to the next one, too. */
  private replaceable(leg: Leg, role: LegRole, id: string): boolean {
    return leg.callId === id || (leg.role === 'supervisor' && role === 'supervisor')
  }

  private makeLeg(s: RTCSession, d: 'in' | 'out', id: string, role: LegRole, auto: boolean): Leg {
    return new Leg(s, d, id, role, auto, {
      device: () => this.options.microphone?.(),
      raw: this.options.raw ?? false,
      context: this.options.context,
    })
  }

  private take(leg: Leg): void {
    const before = this.leg
    this.leg = leg
    this.movedCall = null
    leg.onchange = this.mutedCall.get() === leg.callId ? keepMuted(leg, () => this.changed()) : () => this.changed()
    leg.onended = (end) => this.ended(leg, end)
    if (before) setTimeout(() => before.hangup(), REPLACED_MS)
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
      registered: this.account.registered,
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
    if (this.account.registered) return 'ready'
    return this.account.started ? 'registering' : 'offline'
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

function inMemory(): NonNullable<PhoneOptions['mutedCall']> {
  let id: string | null = null
  return { get: () => id, set: (x) => { id = x } }
}

/** A leg that replaces a muted one is muted when it talks. */
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
