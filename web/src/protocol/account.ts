import JsSIP from 'jssip'
import type { DisconnectEvent, RTCSessionEvent, UA, UAConfiguration, UnRegisteredEvent } from 'jssip/lib/UA'
import { isProblem } from './api'
import { SipSocket } from './sipsocket'
import type { PhoneSecret } from './types'

export interface AccountOptions {
  secret: () => Promise<PhoneSecret>
  /** This tab's name, the same after a reload. */
  instance: () => Promise<string>
  origin?: string | undefined
  createUA?: ((c: UAConfiguration) => UA) | undefined
}

/** A secret is renewed so long before it ends. */
const RENEW_MS = 60_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

/** Account keeps a page registered: it asks for the secret, renews it, and comes back after every loss and refusal. */
export class Account {
  registered = false
  ua: UA | null = null
  onchange: () => void = () => {}
  onsession: (e: RTCSessionEvent) => void = () => {}

  private socket: SipSocket | null = null
  private secret: PhoneSecret | null = null
  /** Which start this is; 0 when stopped. What an older one still waits for is of no use. */
  private run = 0
  private runs = 0
  private renewal: ReturnType<typeof setTimeout> | undefined
  private retry: ReturnType<typeof setTimeout> | undefined
  private refusals = 0
  private readonly waiting = new Set<() => void>()

  constructor(private readonly options: AccountOptions) {}

  get started(): boolean {
    return this.run !== 0
  }

  get domain(): string {
    return this.secret?.uri.split('@')[1] ?? 'ivrd'
  }

  /** By what the server knows this page's telephone. */
  get username(): string {
    return this.secret?.username ?? ''
  }

  async start(): Promise<void> {
    if (this.run) return
    const run = (this.run = ++this.runs)
    this.onchange()
    const [secret, instance] = await Promise.all([this.ask(run), this.options.instance()])
    if (this.run === run && secret) this.open(secret, instance)
  }

  stop(): void {
    this.run = 0
    clearTimeout(this.renewal)
    clearTimeout(this.retry)
    this.ua?.stop()
    this.ua = null
    this.socket = null
    this.registered = false
    this.onchange()
  }

  hurry(): void {
    this.socket?.hurry()
  }

  /** Makes this page the one that registered last, and so the one that is rung. */
  again(): Promise<void> {
    const ua = this.ua
    if (!ua) return Promise.reject(new Error('The phone is not started.'))
    if (ua.isConnected()) {
      // JsSIP tells of a registration only when there was none: this makes it forget, without a word to the server.
      const registrator = ua.registrator() as unknown as { onTransportClosed(): void }
      registrator.onTransportClosed()
      ua.register()
    }
    return this.whenRegistered()
  }

  whenRegistered(withinMs = 5_000): Promise<void> {
    if (this.registered) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        this.waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(() => {
        this.waiting.delete(done)
        reject(new Error('The phone cannot register.'))
      }, withinMs)
      this.waiting.add(done)
    })
  }

  /** Asks for a secret until it has one; null when the sign-in has ended. */
  private async ask(run: number): Promise<PhoneSecret | null> {
    for (let wait = 500; this.run === run; wait = Math.min(wait * 2, 8_000)) {
      try {
        return await this.options.secret()
      } catch (e) {
        if (isProblem(e) && (e.status === 401 || e.status === 403 || e.status === 404)) break
        await new Promise((r) => setTimeout(r, wait))
      }
    }
    if (this.run === run) this.stop()
    return null
  }

  private open(secret: PhoneSecret, instance: string): void {
    this.secret = secret
    this.socket = new SipSocket((this.options.origin ?? location.origin.replace(/^http/, 'ws')) + secret.path)
    const config: UAConfiguration = {
      sockets: this.socket,
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
    const mine = <T>(f: (e: T) => void) => (e: T) => { if (this.ua === ua) f(e) }
    ua.on('registered', mine(() => this.setRegistered(true)))
    ua.on('unregistered', mine(() => this.setRegistered(false)))
    ua.on('disconnected', mine((e: DisconnectEvent) => this.disconnected(e)))
    ua.on('registrationFailed', mine((e: UnRegisteredEvent) => this.refused(e)))
    ua.on('newRTCSession', mine((e: RTCSessionEvent) => this.onsession(e)))
    ua.start()
    this.renewBefore(secret)
  }

  private setRegistered(on: boolean): void {
    this.registered = on
    if (on) {
      this.refusals = 0
      for (const f of [...this.waiting]) f()
    }
    this.onchange()
  }

  private disconnected(e: DisconnectEvent): void {
    this.setRegistered(false)
    if (e.code === 4001) void this.renew()
  }

  /** JsSIP does not register again by itself after a refusal. */
  private refused(e: UnRegisteredEvent): void {
    this.setRegistered(false)
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.refusals++, LAST_RETRY_MS)
    const status = e.response?.status_code
    const again = status === 401 || status === 403 ? () => void this.renew() : () => this.register()
    clearTimeout(this.retry)
    this.retry = setTimeout(again, wait)
  }

  private renewBefore(secret: PhoneSecret): void {
    clearTimeout(this.renewal)
    const left = Date.parse(secret.expires_at) - Date.now()
    // Half of what is left where that is short; and a timer holds no more than 24 days.
    const wait = Math.min(Math.max(left - RENEW_MS, left / 2, 1_000), 86_400_000)
    if (Number.isFinite(wait)) this.renewal = setTimeout(() => void this.renew(), wait)
  }

  private async renew(): Promise<void> {
    const secret = await this.ask(this.run)
    if (!secret || !this.ua) return
    this.secret = secret
    this.ua.set('authorization_user', secret.username)
    this.ua.set('realm', secret.realm)
    this.ua.set('password', secret.secret)
    this.renewBefore(secret)
    if (this.ua.isConnected()) this.register()
    else this.socket?.connect()
  }

  private register(): void {
    if (this.ua?.isConnected() && !this.registered) this.ua.register()
  }
}
