// The SIP side of the development mock: a registrar, a relay between two pages, and a caller with a made-up SDP offer
// (its ICE never connects, but a page answers it).
import { randomUUID } from 'node:crypto'

const OFFER = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0 101', 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=mid:0',
  'a=sendrecv', 'a=rtcp-mux', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000', 'a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host', '',
].join('\r\n')

export function parse(text) {
  const [head, ...rest] = text.split('\r\n\r\n')
  const [first, ...lines] = head.split('\r\n')
  const headers = lines.map((l) => [l.slice(0, l.indexOf(':')).trim(), l.slice(l.indexOf(':') + 1).trim()])
  return { first, headers, body: rest.join('\r\n\r\n'), get: (n) => headers.find(([k]) => k.toLowerCase() === n.toLowerCase())?.[1] ?? '' }
}

const write = (first, headers, body = '') =>
  [first, ...headers.filter(([k]) => k.toLowerCase() !== 'content-length').map(([k, v]) => `${k}: ${v}`), `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n')

export function reply(m, status, extra = []) {
  const keep = m.headers.filter(([k]) => /^(via|from|call-id|cseq)$/i.test(k))
  const to = m.get('To')
  return write(`SIP/2.0 ${status}`, [...keep, ['To', /;tag=/.test(to) ? to : `${to};tag=mock`], ...extra])
}

export class Sip {
  /** name → bindings, the newest last */
  phones = new Map()
  dialogs = new Map()
  log = []
  on = { answered: () => {}, ended: () => {}, invite: () => null, detached: () => {}, registered: () => {} }

  connect(ws, who) {
    ws.who = who
    ws.on('message', (d) => this.message(ws, String(d)))
    ws.on('close', () => {
      this.phones.set(who, (this.phones.get(who) ?? []).filter((x) => x !== ws))
      for (const d of this.dialogs.values()) if (d.ws === ws && !d.done && d.talks && d.role === 'agent') this.on.detached(d)
    })
  }

  newest(who) { return (this.phones.get(who) ?? []).at(-1) }

  message(ws, text) {
    if (!text.trim()) return text === '\r\n\r\n' && ws.send('\r\n')
    const m = parse(text)
    this.log.push(m.first)
    if (m.first.startsWith('SIP/2.0')) return this.response(ws, m, text)
    const method = m.first.split(' ')[0]
    if (method === 'REGISTER') return this.register(ws, m)
    const d = this.dialogs.get(m.get('Call-ID'))
    if (method === 'INVITE' && !d) return this.invite(ws, m)
    if (!d) return method !== 'ACK' && ws.send(reply(m, '481 Gone'))
    if (method === 'BYE' || method === 'CANCEL') this.on.ended(d, ws)
    if (d.peer) return this.forward(d, ws, m)
    if (method !== 'ACK') ws.send(reply(m, '200 OK'))
  }

  register(ws, m) {
    if (!m.get('Authorization')) return ws.send(reply(m, '401 Unauthorized', [['WWW-Authenticate', 'Digest realm="ivrd", nonce="abc", qop="auth", algorithm=MD5']]))
    ws.contact = /<([^>]+)>/.exec(m.get('Contact'))[1]
    const list = (this.phones.get(ws.who) ?? []).filter((x) => x !== ws)
    this.phones.set(ws.who, [...list, ws])
    ws.send(reply(m, '200 OK', [['Contact', m.get('Contact')], ['Expires', '600']]))
    this.on.registered(ws.who)
  }

  /** A page calls: the relay rings another page with the same offer. */
  invite(ws, m) {
    ws.send(reply(m, '100 Trying'))
    const target = this.on.invite(ws, /^INVITE sip:([^@]+)@/.exec(m.first)[1])
    if (!target) return ws.send(reply(m, '404 Not Found'))
    const d = { id: target.call, callId: m.get('Call-ID'), caller: ws, peer: target.ws, who: target.ws.who }
    this.dialogs.set(d.callId, d)
    const headers = [...m.headers, ['X-Ivrd-Call', target.call], ['X-Ivrd-Role', 'agent']]
    target.ws.send(write(`INVITE ${target.ws.contact} SIP/2.0`, headers, m.body))
  }

  forward(d, ws, m) {
    const to = ws === d.caller ? d.peer : d.caller
    to.send(write(`${m.first.split(' ')[0]} ${to.contact} SIP/2.0`, m.headers, m.body))
  }

  response(ws, m, text) {
    const d = this.dialogs.get(m.get('Call-ID'))
    if (!d) return
    const status = Number(m.first.split(' ')[1])
    if (/INVITE/.test(m.get('CSeq')) && status >= 200) {
      if (status < 300) { d.talks = true; this.on.answered(d) }
      else this.on.ended(d, ws)
      d.remote = m.get('To')
      if (!d.peer) this.send(d, 'ACK')
    }
    if (d.peer) (ws === d.caller ? d.peer : d.caller).send(text)
  }

  /** The mock itself rings a page. */
  ring(who, call, role, auto) {
    const ws = this.newest(who)
    if (!ws) return null
    const d = { id: call, callId: randomUUID(), ws, who, role, cseq: 1, from: `<sip:house@ivrd>;tag=${randomUUID().slice(0, 8)}`, remote: `<${ws.contact}>` }
    this.dialogs.set(d.callId, d)
    this.send(d, 'INVITE', [['X-Ivrd-Call', call], ['X-Ivrd-Role', role], ...(auto ? [['X-Ivrd-Answer', 'auto']] : []), ['Content-Type', 'application/sdp']], OFFER)
    return d
  }

  send(d, method, extra = [], body = '') {
    if (method === 'BYE') d.cseq++
    d.ws.send(write(`${method} ${d.ws.contact} SIP/2.0`, [
      ['Via', `SIP/2.0/WS mock.invalid;branch=z9hG4bK${method === 'CANCEL' ? d.branch : (d.branch = randomUUID().slice(0, 8))}`], ['Max-Forwards', '70'], ['From', d.from], ['To', d.remote],
      ['Call-ID', d.callId], ['CSeq', `${d.cseq} ${method}`], ['Contact', '<sip:house@mock.invalid;transport=ws>'], ...extra,
    ], body))
  }
}
