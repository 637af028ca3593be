import type { Coverage, Segment, ServerEvent, Transcript } from './types'

/** What is known of a call's words. It is never changed in place. */
export interface Talk {
  /** By time; those that did not change are the same objects as before. */
  segments: readonly Segment[]
  /** Undefined until the history has said it. */
  coverage: Coverage | undefined
  engines: readonly string[]
  /** Of the words before the page listened: not asked for, asked for, there, or not to be had. */
  history: 'unasked' | 'loading' | 'loaded' | 'failed'
  error: unknown
}

export interface TranscriptsOptions {
  load: (id: string, signal: AbortSignal) => Promise<Transcript>
  /** Runs something once, when the page is drawn next. */
  frame: (f: () => void) => void
}

/** Segments that are kept of a call that somebody looks at, and of one that only has a line in a list. */
export const MOST = 20_000
export const FEW = 40
/** How long the words of a call are kept that is over, or that nobody looks at any more. */
export const KEEP_MS = 60_000

const nothing: Talk = { segments: [], coverage: undefined, engines: [], history: 'unasked', error: undefined }

interface Held {
  talk: Talk
  by: Map<number, Segment>
  /** What has come on this connection: it is newer than any history. */
  fresh: Set<number>
  looking: number
  loading?: AbortController | undefined
  drop?: ReturnType<typeof setTimeout> | undefined
}

/**
 * Transcripts keeps the words of calls: what was said before by asking once per connection, what is said now by events.
 * Those who look at a call are told at most once per frame.
 */
export class Transcripts {
  private readonly held = new Map<string, Held>()
  private readonly listeners = new Map<string, Set<() => void>>()
  private readonly changed = new Set<string>()
  private live = new Set<string>()

  constructor(private readonly options: TranscriptsOptions) {}

  get = (id: string): Talk => this.held.get(id)?.talk ?? nothing

  subscribe = (id: string, f: () => void): (() => void) => {
    const all = this.listeners.get(id) ?? new Set()
    this.listeners.set(id, all.add(f))
    return () => {
      all.delete(f)
      if (all.size === 0) this.listeners.delete(id)
    }
  }

  /** Asks for the history of a call and keeps all its words until the returned function is called. */
  watch = (id: string): (() => void) => {
    const h = this.hold(id)
    clearTimeout(h.drop)
    if (h.looking++ === 0 && h.talk.history !== 'loaded') this.load(id, h)
    return () => {
      if (--h.looking === 0 && !this.live.has(id)) this.dropLater(id, h)
    }
  }

  /** Asks again for a history that was not to be had. */
  retry = (id: string): void => {
    const h = this.held.get(id)
    if (h && h.talk.history === 'failed') this.load(id, h)
  }

  /** Takes an event of the server. */
  take = (e: ServerEvent): void => {
    if (e.type === 'segment') this.put(e.id, e.segment)
    else if (e.type === 'call') this.begin(e.call.id)
    else if (e.type === 'call.gone') this.end(e.id)
    else if (e.type === 'snapshot') this.again(e.calls?.map((c) => c.id) ?? [])
  }

  /** Forgets everything, as when who is signed in goes. */
  clear(): void {
    for (const [id, h] of this.held) this.forget(id, h)
  }

  private hold(id: string): Held {
    const h = this.held.get(id) ?? { talk: nothing, by: new Map(), fresh: new Set(), looking: 0 }
    this.held.set(id, h)
    return h
  }

  private put(id: string, s: Segment): void {
    const h = this.hold(id)
    // Words may be told of before their call is, and after its end.
    if (h.looking === 0 && !this.live.has(id)) this.dropLater(id, h)
    if (h.by.get(s.seq)?.final && !s.final) return
    h.fresh.add(s.seq)
    h.by.set(s.seq, s)
    if (s.final && s.kind === 'words' && s.text === '') h.by.delete(s.seq) // interim words that were none
    this.trim(h)
    this.tell(id)
  }

  private trim(h: Held): void {
    const most = h.looking > 0 ? MOST : FEW
    for (const seq of h.by.keys()) {
      if (h.by.size <= most) return
      h.by.delete(seq)
      h.fresh.delete(seq)
      // What was cut off is asked for when somebody looks.
      if (h.looking === 0) h.talk = { ...h.talk, history: 'unasked' }
    }
  }

  private begin(id: string): void {
    this.live.add(id)
    clearTimeout(this.held.get(id)?.drop)
  }

  private end(id: string): void {
    this.live.delete(id)
    const h = this.held.get(id)
    if (h?.looking === 0) this.dropLater(id, h)
  }

  // A new connection: what was said meanwhile is not told again, and what is held may have been replaced, such as by a
  // masked number.
  private again(live: string[]): void {
    this.live = new Set(live)
    for (const [id, h] of this.held) {
      h.fresh.clear()
      if (h.looking > 0) this.load(id, h)
      else this.forget(id, h)
    }
  }

  private dropLater(id: string, h: Held): void {
    clearTimeout(h.drop)
    h.drop = setTimeout(() => this.forget(id, h), KEEP_MS)
  }

  private forget(id: string, h: Held): void {
    clearTimeout(h.drop)
    h.loading?.abort()
    if (this.held.get(id) !== h) return
    this.held.delete(id)
    this.tell(id)
  }

  private load(id: string, h: Held): void {
    h.loading?.abort()
    const stop = (h.loading = new AbortController())
    this.change(id, h, { history: 'loading', error: undefined })
    this.options.load(id, stop.signal).then((t) => {
      if (!stop.signal.aborted) this.merge(id, h, t)
    }, (error: unknown) => {
      if (!stop.signal.aborted) this.change(id, h, { history: 'failed', error })
    })
  }

  // What has come by event since the history was asked for is as new as it or newer, but final words beat interim ones.
  private merge(id: string, h: Held, t: Transcript): void {
    const by = new Map<number, Segment>()
    for (const s of t.segments ?? []) by.set(s.seq, s)
    for (const seq of h.fresh) {
      const s = h.by.get(seq)
      if (s && (s.final || !by.get(seq)?.final)) by.set(seq, s)
    }
    h.by = by
    this.trim(h)
    this.change(id, h, { history: 'loaded', coverage: t.coverage, engines: t.engines ?? [] })
  }

  private change(id: string, h: Held, patch: Partial<Talk>): void {
    h.talk = { ...h.talk, ...patch }
    this.tell(id)
  }

  private tell(id: string): void {
    if (this.changed.size === 0) this.options.frame(this.flush)
    this.changed.add(id)
  }

  private flush = (): void => {
    const ids = [...this.changed]
    this.changed.clear()
    for (const id of ids) {
      const h = this.held.get(id)
      if (h) h.talk = { ...h.talk, segments: [...h.by.values()].sort(byTime) }
      for (const f of [...(this.listeners.get(id) ?? [])]) f()
    }
  }
}

const byTime = (a: Segment, b: Segment) => a.start_ms - b.start_ms || a.seq - b.seq
