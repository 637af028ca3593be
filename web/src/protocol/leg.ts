import JsSIP from 'jssip'
import type { EndEvent, IceCandidateEvent, RTCSession } from 'jssip/lib/RTCSession'
import { MicrophoneError, openMicrophone, silence } from './microphone'

export type LegRole = 'agent' | 'supervisor' | 'caller'
export type LegState = 'ringing' | 'answering' | 'talking' | 'ended'

/** A header of a SIP message; JsSIP's types know fewer messages than have it. */
export interface WithHeaders {
  getHeader(name: string): string | undefined
}

export interface LegEnd {
  /** The other side has given the sound to another page. */
  moved: boolean
  /** Who ended it: us, the server, or the machinery. */
  by: 'local' | 'remote' | 'system'
  cause: string
}

export interface LegSound {
  device: () => string | undefined
  raw: boolean
  context: () => AudioContext
}

const HOST_ONLY: RTCConfiguration = { iceServers: [] }
/** How long a path may be broken before another is looked for. */
const PATIENCE_MS = 1_500

/** Leg is one session of sound with the server: ringing, then talking, then ended, once each. */
export class Leg {
  state: LegState = 'ringing'
  muted = false
  silentMic = false
  remoteStream: MediaStream | null = null
  localStream: MediaStream | null = null
  talkingSince = 0
  onchange: () => void = () => {}
  onended: (e: LegEnd) => void = () => {}

  private restart: ReturnType<typeof setTimeout> | undefined
  private opening: Promise<MediaStream> | null = null

  constructor(
    readonly session: RTCSession,
    readonly direction: 'in' | 'out',
    readonly callId: string,
    readonly role: LegRole,
    readonly auto: boolean,
    private readonly sound: LegSound,
  ) {
    session.on('icecandidate', firstCandidate())
    session.on('peerconnection', (e) => this.watch(e.peerconnection))
    session.on('confirmed', () => this.talking())
    session.on('accepted', () => this.talking())
    session.on('ended', (e: EndEvent) => this.finish(e))
    session.on('failed', (e: EndEvent) => this.finish(e))
    // Of an outgoing call JsSIP has made the connection before it told us of the session.
    if (session.connection) this.watch(session.connection)
  }

  /** Throws MicrophoneError; then it still rings. */
  async answer(): Promise<void> {
    if (this.state !== 'ringing' || this.direction !== 'in') return
    this.set('answering')
    try {
      this.localStream = await (this.opening ?? this.microphone())
    } catch (e) {
      this.opening = null
      if (this.over()) return
      this.set('ringing')
      throw e
    }
    if (this.over()) return this.release()
    this.session.answer({ mediaStream: this.localStream, pcConfig: HOST_ONLY })
  }

  /** Opens the microphone while it rings, so that nobody waits for it after the answer; it is closed when the ring ends. */
  warm(): void {
    if (this.opening || this.over()) return
    const opening = this.microphone()
    this.opening = opening
    opening.then((s) => { if (this.over()) stop(s) }, () => { if (this.opening === opening) this.opening = null })
  }

  /** The stream that a call is made with; a caller or a supervisor may be without a microphone, an agent not. */
  private async microphone(): Promise<MediaStream> {
    try {
      return await openMicrophone(this.sound.device(), this.sound.raw)
    } catch (e) {
      if (this.role === 'agent' || !(e instanceof MicrophoneError)) throw e
      this.silentMic = true
      return silence(this.sound.context())
    }
  }

  decline(): void {
    if (!this.over()) this.session.terminate({ status_code: 486 })
  }

  hangup(): void {
    if (this.over()) return
    if (this.direction === 'in' && this.state !== 'talking') this.decline()
    else this.session.terminate()
  }

  mute(on: boolean): void {
    if (on) this.session.mute({ audio: true })
    else this.session.unmute({ audio: true })
    this.muted = on
    this.onchange()
  }

  key(k: string): void {
    this.session.sendDTMF(k, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833, duration: 120, interToneGap: 80 })
  }

  /** Sends from another microphone without a new offer. */
  async useMicrophone(device: string | undefined): Promise<void> {
    if (this.over() || !this.session.connection) return
    const stream = await openMicrophone(device, this.sound.raw)
    const track = stream.getAudioTracks()[0]
    const sender = this.session.connection.getSenders().find((s) => s.track?.kind === 'audio')
    if (!track || !sender) return
    track.enabled = !this.muted
    await sender.replaceTrack(track)
    this.release()
    this.localStream = stream
    this.silentMic = false
    this.onchange()
  }

  over(): boolean {
    return this.state === 'ended'
  }

  private talking(): void {
    if (this.state === 'talking' || this.over()) return
    this.talkingSince = Date.now()
    this.set('talking')
  }

  private set(s: LegState): void {
    this.state = s
    this.onchange()
  }

  private finish(e: EndEvent): void {
    if (this.over()) return
    clearTimeout(this.restart)
    this.release()
    this.remoteStream = null
    this.set('ended')
    const message = e.message as unknown as WithHeaders | null
    this.onended({ moved: isMoved(message?.getHeader?.('Reason')), by: e.originator, cause: e.cause })
  }

  private release(): void {
    void this.opening?.then(stop, () => undefined)
    this.opening = null
    if (this.localStream) stop(this.localStream)
    this.localStream = null
  }

  private watch(pc: RTCPeerConnection): void {
    pc.addEventListener('track', (e) => {
      this.remoteStream = e.streams[0] ?? new MediaStream([e.track])
      this.onchange()
    })
    pc.addEventListener('iceconnectionstatechange', () => this.path(pc))
  }

  /** A path that breaks (Wi-Fi to cable) is looked for again before JsSIP gives the call up. */
  private path(pc: RTCPeerConnection): void {
    clearTimeout(this.restart)
    if (pc.iceConnectionState !== 'disconnected') return
    this.restart = setTimeout(() => {
      if (this.state !== 'talking') return
      this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } })
    }, PATIENCE_MS)
  }
}

function stop(s: MediaStream): void {
  for (const t of s.getTracks()) t.stop()
}

/** Without it JsSIP waits for candidates that we do not need, about 120 ms each time. */
function firstCandidate(): (e: IceCandidateEvent) => void {
  return (e) => e.ready()
}

/** Whether a Reason header says that another page has the sound now: `ivrd;text="moved"`. */
export function isMoved(reason: string | undefined): boolean {
  return /^\s*ivrd\b.*text\s*=\s*"?moved"?/i.test(reason ?? '')
}
