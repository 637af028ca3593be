import type { Agent, LiveCall, Me, Queue, ServerEvent } from './types'

export type EventsStatus = 'connecting' | 'live' | 'stale' | 'lost' | 'signed-out' | 'stopped'

export interface EventsState {
  status: EventsStatus
  /** What the server's clock is ahead of ours, in milliseconds. */
  ahead: number
  /** False until the first snapshot has come. */
  known: boolean
  me: Me | null
  calls: ReadonlyMap<string, LiveCall>
  queues: ReadonlyMap<string, Queue>
  agents: ReadonlyMap<string, Agent>
}

/** The part of WebSocket that is used, so that a test can stand in for it. */
export interface Socket {
  onmessage: ((e: MessageEvent) => void) | null
  onclose: ((e: CloseEvent) => void) | null
  close(code?: number): void
}

export interface EventsOptions {
  open: () => Socket
  /** Asked when the socket does not open: false says that the sign-in has ended. */
  signedIn?: () => Promise<boolean>
  /** Is told every event, after it has changed the state. */
  heard?: (e: ServerEvent) => void
  now?: () => number
  random?: () => number
}

/** After so long without a message what is shown may be old. */
export const STALE_MS = 5_000
/** After so long the socket is taken for dead, even when nobody says so. */
export const DEAD_MS = 10_000
const FIRST_MS = 250
const LONGEST_MS = 8_000

const empty: EventsState = {
  status: 'stopped', ahead: 0, known: false, me: null, calls: new Map(), queues: new Map(), agents: new Map(),
}

/**
 * Events keeps what is so now, by the snapshot and what changes after it, and connects again by itself.
 * State objects are never changed in place: a new one is a change.
 */
export class Events {
  private state = empty
  private readonly listeners = new Set<() => void>()
  private socket: Socket | null = null
  private failures = 0
  private heard = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private watch: ReturnType<typeof setInterval> | undefined

  constructor(private readonly options: EventsOptions) {}

  getState = (): EventsState => this.state

  subscribe = (f: () => void): (() => void) => {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  start(): void {
    if (this.watch) return
    this.failures = 0
    this.watch = setInterval(() => this.check(), 500)
    this.connect()
  }

  stop(): void {
    clearInterval(this.watch)
    this.watch = undefined
    this.drop()
    this.set(empty)
  }

  /** Connects at once, as when the browser says that the network is back. */
  hurry(): void {
    if (!this.watch || this.state.status === 'signed-out' || (this.socket && this.state.status === 'live')) return
    this.failures = 0
    this.drop()
    this.connect()
  }

  private now(): number {
    return (this.options.now ?? Date.now)()
  }

  private set(patch: Partial<EventsState>): void {
    this.state = { ...this.state, ...patch }
    for (const f of this.listeners) f()
  }

  private connect(): void {
    clearTimeout(this.retry)
    this.retry = undefined
    const socket = this.options.open()
    this.socket = socket
    this.heard = this.now()
    if (this.state.status !== 'lost' && this.state.status !== 'stale') this.set({ status: 'connecting' })
    socket.onmessage = (e) => this.socket === socket && this.message(e.data)
    socket.onclose = (e) => this.socket === socket && this.closed(e.code)
  }

  private drop(): void {
    clearTimeout(this.retry)
    this.retry = undefined
    const s = this.socket
    this.socket = null
    s?.close()
  }

  private message(data: unknown): void {
    this.heard = this.now()
    let e: ServerEvent
    try {
      e = JSON.parse(String(data)) as ServerEvent
    } catch {
      return
    }
    const next = apply(this.state, e, this.heard)
    if (e.type === 'snapshot') this.failures = 0
    // Words are no part of the state: they come often, and are shown by what listens to `heard`.
    if (next !== this.state || next.known && next.status !== 'live') this.set(next.known ? { ...next, status: 'live' } : next)
    this.options.heard?.(e)
  }

  private closed(code: number): void {
    this.socket = null
    if (code === 4001) return this.end()
    this.set({ status: 'lost' })
    // 4003: a right was lost and what is left is shown at once. The others wait, each time longer.
    const wait = code === 4003 && this.failures === 0 ? 0 : this.pause()
    this.failures++
    this.retry = setTimeout(() => void this.again(), wait)
  }

  private async again(): Promise<void> {
    // A refused handshake and a broken network look alike to a page.
    if (this.failures > 1 && this.options.signedIn) {
      const ok = await this.options.signedIn().catch(() => true)
      if (!this.watch || this.socket) return
      if (!ok) return this.end()
    }
    if (this.watch && !this.socket) this.connect()
  }

  private end(): void {
    this.drop()
    this.set({ status: 'signed-out' })
  }

  private pause(): number {
    const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.failures)
    return most * (0.5 + 0.5 * (this.options.random ?? Math.random)())
  }

  private check(): void {
    const silent = this.now() - this.heard
    if (!this.socket) return
    if (silent >= DEAD_MS) {
      this.drop()
      this.closed(1006)
    } else if (silent >= STALE_MS && this.state.status === 'live') {
      this.set({ status: 'stale' })
    }
  }
}

const byKey = <T>(list: T[] | null | undefined, key: (t: T) => string) => new Map((list ?? []).map((t) => [key(t), t]))
const withKey = <T>(m: ReadonlyMap<string, T>, k: string, v: T) => new Map(m).set(k, v)

/** What is so after an event. */
export function apply(s: EventsState, e: ServerEvent, now: number): EventsState {
  switch (e.type) {
    case 'hello':
      return { ...s, me: e.me, ahead: ahead(e.now, now) }
    case 'snapshot':
      return {
        ...s,
        known: true,
        ahead: ahead(e.now, now),
        calls: byKey(e.calls, (c) => c.id),
        queues: byKey(e.queues, (q) => q.name),
        agents: byKey(e.agents, (a) => a.name),
      }
    case 'tick':
      return { ...s, ahead: ahead(e.now, now) }
    case 'call':
      return { ...s, calls: withKey(s.calls, e.call.id, e.call) }
    case 'call.gone': {
      const calls = new Map(s.calls)
      calls.delete(e.id)
      return { ...s, calls }
    }
    case 'queue':
      return { ...s, queues: withKey(s.queues, e.queue.name, e.queue) }
    case 'agent':
      return { ...s, agents: withKey(s.agents, e.agent.name, e.agent) }
    default:
      return s // words, and what a newer server says
  }
}

function ahead(serverNow: string, now: number): number {
  const t = Date.parse(serverNow)
  return Number.isNaN(t) ? 0 : t - now
}
