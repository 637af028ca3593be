import type {
  AskedState,
  CallPage,
  CallQuery,
  CallRecord,
  Me,
  MonitorMode,
  PhoneSecret,
  Site,
  Track,
  Transcript,
} from './types'

/** A problem of the server (RFC 9457), or `network` when it could not be asked. */
export class Problem extends Error {
  constructor(
    /** The last part of `urn:ivrd:problem:…`. */
    readonly slug: string,
    readonly status: number,
    readonly detail: string,
    readonly fields: { name: string; detail: string }[] = [],
    /** Seconds after which to try again, where the server says so. */
    readonly retryAfter?: number,
  ) {
    super(detail || slug)
    this.name = 'Problem'
  }
}

export function isProblem(e: unknown, ...slugs: string[]): e is Problem {
  return e instanceof Problem && (slugs.length === 0 || slugs.includes(e.slug))
}

interface ProblemBody {
  type?: string
  detail?: string
  title?: string
  errors?: { name: string; detail: string }[]
}

async function problemOf(r: Response): Promise<Problem> {
  let body: ProblemBody = {}
  try {
    body = (await r.json()) as ProblemBody
  } catch {
    // A proxy on the way answers in its own words.
  }
  const slug = body.type?.split(':').pop() ?? (r.status === 401 ? 'sign-in' : 'unknown')
  const after = Number(r.headers.get('Retry-After'))
  return new Problem(slug, r.status, body.detail ?? body.title ?? r.statusText, body.errors ?? [], after > 0 ? after : undefined)
}

export interface ApiOptions {
  base?: string
  fetch?: typeof fetch
  /** Called on every 401 that is not the answer to a login. */
  onSignedOut?: () => void
}

type Init = { method?: string; body?: unknown; signal?: AbortSignal | undefined }

/** The HTTP side of the protocol. Every method throws Problem. */
export class Api {
  private readonly base: string
  private readonly fetch: typeof fetch
  onSignedOut: (() => void) | undefined

  constructor(o: ApiOptions = {}) {
    this.base = o.base ?? '/api/v1'
    this.fetch = o.fetch ?? ((...a) => globalThis.fetch(...a))
    this.onSignedOut = o.onSignedOut
  }

  private async ask(path: string, init: Init = {}): Promise<Response> {
    let r: Response
    try {
      r = await this.fetch(this.base + path, {
        method: init.method ?? 'GET',
        credentials: 'same-origin',
        cache: 'no-store',
        signal: init.signal,
        ...(init.body === undefined
          ? {}
          : { body: JSON.stringify(init.body), headers: { 'Content-Type': 'application/json' } }),
      })
    } catch (e) {
      if (e instanceof DOMException && e.name === 'AbortError') throw e
      throw new Problem('network', 0, 'The server cannot be reached.')
    }
    if (r.ok) return r
    const p = await problemOf(r)
    if (r.status === 401 && p.slug !== 'login') this.onSignedOut?.()
    throw p
  }

  private async json<T>(path: string, init?: Init): Promise<T> {
    return (await (await this.ask(path, init)).json()) as T
  }

  private async none(path: string, init: Init): Promise<void> {
    await this.ask(path, init)
  }

  site = () => this.json<Site>('/site')
  me = () => this.json<Me>('/me')
  login = async (username: string, password: string): Promise<Me> =>
    (await this.json<{ person: Me }>('/login', { method: 'POST', body: { username, password } })).person
  logout = () => this.none('/logout', { method: 'POST' })

  phone = () => this.json<PhoneSecret>('/phone', { method: 'POST' })
  demoPhone = (number: string) => this.json<PhoneSecret>('/demo/phone', { method: 'POST', body: { number } })

  setState = (agent: string, state: AskedState, reason?: string) =>
    this.none(`/agents/${enc(agent)}/state`, { method: 'PUT', body: reason ? { state, reason } : { state } })

  hold = (id: string, on: boolean) => this.none(`/calls/${enc(id)}/hold`, { method: 'POST', body: { on } })
  transfer = (id: string, to: { queue: string } | { number: string }) =>
    this.none(`/calls/${enc(id)}/transfer`, { method: 'POST', body: to })
  /** Brings a call to the page with this telephone: the `username` of its secret. */
  attach = (id: string, phone: string) => this.none(`/calls/${enc(id)}/attach`, { method: 'POST', body: { phone } })
  saveNotes = (id: string, disposition: string, notes: string) =>
    this.none(`/calls/${enc(id)}/notes`, { method: 'PUT', body: { disposition, notes } })

  monitor = (id: string, mode: MonitorMode, reason: string) =>
    this.none(`/calls/${enc(id)}/monitor`, { method: 'POST', body: { mode, reason } })
  unmonitor = (id: string) => this.none(`/calls/${enc(id)}/monitor`, { method: 'DELETE' })

  calls = (q: CallQuery, signal?: AbortSignal) => this.json<CallPage>('/calls' + query({ ...q }), { signal })
  call = (id: string, unmask = false) => this.json<CallRecord>(`/calls/${enc(id)}${unmask ? '?unmask=1' : ''}`)
  earlier = (id: string, signal?: AbortSignal) => this.json<CallPage>(`/calls/${enc(id)}/earlier`, { signal })
  transcript = (id: string, signal?: AbortSignal) => this.json<Transcript>(`/calls/${enc(id)}/transcript`, { signal })

  /** The sound of one track as WAV. Each call of it is an entry in the audit log. */
  recording = async (id: string, track: Track | undefined, signal?: AbortSignal): Promise<ArrayBuffer> =>
    (await this.ask(`/calls/${enc(id)}/recording${query({ track })}`, { signal })).arrayBuffer()
}

const enc = encodeURIComponent

function query(q: Record<string, string | number | undefined>): string {
  const p = new URLSearchParams()
  for (const [k, v] of Object.entries(q)) if (v !== undefined && v !== '') p.set(k, String(v))
  const s = p.toString()
  return s ? '?' + s : ''
}
