import type { Socket } from 'jssip/lib/Socket'

/** The server asks by an empty double line every few seconds: after so long without one the socket is dead. */
export const SILENT_MS = 15_000
/** JsSIP waits one to two seconds before it connects again; the first try is ours and at once. */
export const QUICK_MS = 150

/**
 * SipSocket carries SIP over a WebSocket (RFC 7118) for JsSIP. Unlike JsSIP's own it notices a network that died without
 * a word (a closed lid, a change of Wi-Fi), and comes back quickly.
 */
export class SipSocket implements Socket {
  readonly via_transport: string
  readonly sip_uri: string
  onconnect = (): void => {}
  ondisconnect = (_error: boolean, _code?: number, _reason?: string): void => {}
  ondata = <T>(_event: T): void => {}

  private ws: WebSocket | null = null
  private silence: ReturnType<typeof setTimeout> | undefined
  private quick: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly url: string,
    private readonly open: (url: string) => WebSocket = (u) => new WebSocket(u, 'sip'),
  ) {
    const u = new URL(url)
    this.via_transport = u.protocol === 'wss:' ? 'WSS' : 'WS'
    this.sip_uri = `sip:${u.host};transport=ws`
  }

  isConnected(): boolean {
    return this.ws?.readyState === 1
  }

  isConnecting(): boolean {
    return this.ws?.readyState === 0
  }

  connect(): void {
    if (this.ws) return
    clearTimeout(this.quick)
    const ws = this.open(this.url)
    this.ws = ws
    let was = false
    ws.onopen = () => {
      was = true
      this.onconnect()
    }
    ws.onmessage = (e: MessageEvent) => {
      if (e.data === '\r\n\r\n') this.listen()
      this.ondata(e.data)
    }
    ws.onclose = (e: CloseEvent) => this.lost(!e.wasClean, e.code, e.reason, was)
  }

  disconnect(): void {
    clearTimeout(this.quick)
    this.drop()
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean {
    if (!this.isConnected()) return false
    this.ws?.send(message as string)
    return true
  }

  /** Gives up a connection that may be dead and tries anew, as when the network has changed. */
  hurry(): void {
    if (this.ws) this.lost(true, 1006, 'hurry', true)
    else this.connect()
  }

  private listen(): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => this.lost(true, 1006, 'silent', true), SILENT_MS)
  }

  private lost(error: boolean, code: number, reason: string, was: boolean): void {
    this.drop()
    this.ondisconnect(error, code, reason)
    // One that never opened leaves the next try to JsSIP, which waits; and who was sent away does not press.
    if (was && code !== 4001) this.quick = setTimeout(() => this.connect(), QUICK_MS)
  }

  private drop(): void {
    clearTimeout(this.silence)
    const ws = this.ws
    this.ws = null
    if (!ws) return
    ws.onopen = ws.onmessage = ws.onclose = null
    ws.close()
  }
}
