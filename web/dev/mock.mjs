// A stand-in for the server, for work on the pages only. It is no part of any build.
// node dev/mock.mjs [port]   serves ../dist with the same policy as the server.
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import * as data from './data.mjs'
import { Sip } from './sip.mjs'

const port = Number(process.argv[2] ?? 8099)
const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist')
const sip = new Sip()
const pages = new Set()
const signIns = new Map()
const calls = new Map(data.liveCalls.map((c) => [c.id, c]))
const agents = new Map(data.agents.map((a) => [a.name, a]))
const queues = new Map(data.queues.map((q) => [q.name, q]))
const notes = new Map()
const now = () => new Date().toISOString()

const tell = (e) => { for (const ws of pages) ws.send(JSON.stringify(e)) }
const setAgent = (name, patch) => { agents.set(name, { ...agents.get(name), reason: undefined, until: undefined, since: now(), ...patch }); tell({ type: 'agent', agent: agents.get(name) }) }
const setCall = (id, patch) => { calls.set(id, { ...calls.get(id), ...patch }); tell({ type: 'call', call: calls.get(id) }) }
const gone = (id) => { if (calls.delete(id)) tell({ type: 'call.gone', id }) }
setInterval(() => tell({ type: 'tick', now: now() }), 2000)

function newCall(agent) {
  const id = data.newId()
  const deadline = new Date(Date.now() + 20_000).toISOString()
  setCall(id, { id, from: '138••••8000', to: '1000', language: 'zh', trusted: true, state: 'ringing', since: now(), started_at: new Date(Date.now() - 42_000).toISOString(), answered_at: new Date(Date.now() - 41_000).toISOString(), waiting_since: new Date(Date.now() - 30_000).toISOString(), flow: 'main', path: data.path, queue: 'payments', wait_ms: 30_000, priority: data.priority(), recording: 'live', offer: { agent, deadline } })
  setAgent(agent, { state: 'reserved', until: deadline, call: id })
  return id
}

sip.on.invite = (_ws, number) => {
  const agent = [...agents.values()].find((a) => a.state === 'ready' && sip.newest(a.name))
  return number === '1000' && agent ? { ws: sip.newest(agent.name), call: newCall(agent.name) } : null
}
sip.on.answered = (d) => {
  if (d.role === 'supervisor' || d.done) return
  setCall(d.id, { lines: data.lines('fair'), transcribed: 'conversation', intent: 'fraud', escalate: true, state: 'talking', detached: false, agent: d.who, offer: undefined, since: now() })
  setAgent(d.who, { state: 'talking', call: d.id })
}
sip.on.detached = (d) => {
  d.done = true
  setCall(d.id, { state: 'away', detached: true, since: now() })
}
sip.on.registered = (who) => {
  const c = [...calls.values()].find((x) => x.agent === who && x.detached)
  if (c) sip.ring(who, c.id, 'agent', true)
}
sip.on.ended = (d) => {
  if (d.done || d.role === 'supervisor') return
  d.done = true
  const talked = calls.get(d.id)?.state !== 'ringing'
  gone(d.id)
  setAgent(d.who, talked ? { state: 'wrap-up', until: new Date(Date.now() + 60_000).toISOString(), call: d.id } : { state: 'away', reason: 'declined', call: undefined })
}

// The sound of an ended call is 24 s long.
const inSound = (s) => ({ ...s, start_ms: s.start_ms / 3.3, end_ms: s.end_ms / 3.3, words: s.words?.map((w) => ({ ...w, start_ms: w.start_ms / 3.3, end_ms: w.end_ms / 3.3 })) })

class Refused extends Error {
  constructor(status, slug, detail) { super(detail); Object.assign(this, { status, slug, detail }) }
}

const cookieOf = (req) => /ivrd=(\w+)/.exec(req.headers.cookie ?? '')?.[1]
const whoIs = (req) => {
  const p = signIns.get(cookieOf(req))
  if (!p) throw new Refused(401, 'sign-in', 'Sign in first.')
  return p
}
const secret = (name) => ({ uri: `sip:${name}@ivrd`, realm: 'ivrd', username: `${name}~1`, secret: 'x', expires_at: new Date(Date.now() + 3_600_000).toISOString(), path: '/sip' })

const routes = [
  ['GET /site', () => data.site],
  ['POST /login', (_r, b, res) => {
    const p = data.people.find((x) => x.name === b.username && b.password === 'demo')
    if (!p) throw new Refused(401, 'login', 'Name or password wrong.')
    const token = randomBytes(8).toString('hex')
    signIns.set(token, p)
    res.setHeader('Set-Cookie', `ivrd=${token}; Path=/; HttpOnly`)
    return { token, expires_at: now(), person: data.meOf(p) }
  }],
  ['POST /logout', (r) => { signIns.delete(cookieOf(r)) }],
  ['GET /me', (r) => data.meOf(whoIs(r))],
  ['POST /phone', (r) => secret(whoIs(r).name)],
  ['POST /demo/phone', () => secret('guest')],
  ['PUT /agents/:id/state', (_r, b, _res, id) => setAgent(id, b)],
  ['POST /calls/:id/hold', (_r, b, _res, id) => setCall(id, { state: b.on ? 'held' : 'talking', since: now() })],
  ['POST /calls/:id/transfer', (_r, b) => { throw new Refused(422, 'refused', `${b.queue ?? b.number} does not take calls now.`) }],
  ['POST /calls/:id/attach', (r, _b, _res, id) => attach(whoIs(r).name, id)],
  ['PUT /calls/:id/notes', (_r, b, _res, id) => { notes.set(id, b) }],
  ['GET /calls/:id/earlier', () => ({ calls: data.records.slice(0, 4) })],
  ['POST /calls/:id/monitor', (r, b, _res, id) => monitor(whoIs(r).name, id, b.mode)],
  ['DELETE /calls/:id/monitor', (r, _b, _res, id) => {
    const who = whoIs(r).name
    setCall(id, { monitors: [] })
    for (const d of sip.dialogs.values()) if (d.id === id && d.who === who && d.role === 'supervisor') sip.send(d, 'BYE')
  }],
  ['GET /calls', (r) => {
    whoIs(r)
    const q = new URL(r.url, 'http://x').searchParams
    const all = data.records.filter((c) => (!q.get('agent') || c.agent === q.get('agent')) && (!q.get('queue') || c.queue === q.get('queue')) && (!q.get('since') || c.started_at >= q.get('since')))
    const at = Number(q.get('cursor') ?? 0)
    const limit = Number(q.get('limit') ?? 50)
    return { calls: all.slice(at, at + limit), ...(at + limit < all.length ? { next_cursor: String(at + limit) } : {}) }
  }],
  ['GET /calls/:id', (r, _b, _res, id) => {
    const c = data.records.find((x) => x.id === id)
    if (!c) throw new Refused(404, 'not-found', 'There is no such call.')
    return new URL(r.url, 'http://x').searchParams.get('unmask') ? { ...c, from: c.from.replace('••••', '1234') } : c
  }],
  ['GET /calls/:id/transcript', (_r, _b, _res, id) => {
    const c = calls.get(id) ?? data.records.find((x) => x.id === id)
    const coverage = c?.transcript?.coverage ?? c?.transcribed ?? ''
    const all = data.talk(c?.agent).filter((s) => coverage === 'conversation' || (coverage && !s.who && s.start_ms < 12_000))
    return { call_id: id, coverage, engines: coverage === 'conversation' ? ['pocketsphinx', 'vosk'] : [], segments: c?.ended_at ? all.map(inSound) : all }
  }],
  // For the pictures: say something, ring somebody.
  ['POST /mock/say/:id', (_r, b, _res, id) => tell({ type: 'segment', id, segment: { final: true, kind: 'words', speaker: 'caller', start_ms: 90_000, end_ms: 91_000, language: 'en', ...b } })],
  ['POST /mock/ring/:id', (_r, _b, _res, id) => { const call = newCall(id); sip.ring(id, call, 'agent', false) }],
  ['GET /mock/sip', () => sip.log],
  ['POST /mock/silence', () => { for (const ws of pages) ws.terminate() }],
]

function attach(who, id) {
  const old = [...sip.dialogs.values()].find((d) => d.id === id && !d.done)
  old.done = true
  sip.ring(who, id, 'agent', true)
  if (!old.peer) return void setTimeout(() => sip.send(old, 'BYE', [['Reason', 'ivrd;text="moved"']]), 300)
}

function monitor(who, id, mode) {
  const first = !calls.get(id).monitors?.length
  setCall(id, { monitors: [{ who, mode }] })
  if (first) sip.ring(who, id, 'supervisor', true)
}

async function api(req, res, path) {
  let body = ''
  for await (const d of req) body += d
  const rec = /^\/calls\/[^/]+\/recording$/.test(path)
  try {
    if (rec) {
      const track = new URL(req.url, 'http://x').searchParams.get('track')
      if (track === 'supervisor') throw new Refused(404, 'no-recording', 'No such track.')
      res.setHeader('Content-Type', 'audio/wav')
      return res.end(data.wav({ caller: 1, agent: 2, prompts: 0 }[track] ?? 1))
    }
    for (const [pattern, f] of routes) {
      const [method, p] = pattern.split(' ')
      const m = req.method === method && new RegExp(`^${p.replace(':id', '([^/]+)')}$`).exec(path)
      if (!m) continue
      const out = f(req, body ? JSON.parse(body) : {}, res, m[1])
      if (out === undefined || out === null) return res.writeHead(204).end()
      res.setHeader('Content-Type', 'application/json')
      return res.end(JSON.stringify(out))
    }
    throw new Refused(404, 'not-found', 'No such path.')
  } catch (e) {
    res.writeHead(e.status ?? 500, { 'Content-Type': 'application/problem+json' })
    res.end(JSON.stringify({ type: `urn:ivrd:problem:${e.slug ?? 'internal'}`, status: e.status ?? 500, detail: e.detail ?? String(e) }))
  }
}

const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const server = createServer((req, res) => {
  const path = new URL(req.url, 'http://x').pathname
  if (path.startsWith('/api/v1/')) return void api(req, res, path.slice(7))
  const file = join(dist, path)
  if (path.startsWith('/assets/') && existsSync(file)) {
    res.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream')
    return createReadStream(file).pipe(res)
  }
  const nonce = randomBytes(12).toString('base64')
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Content-Security-Policy', `default-src 'self'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`)
  res.end(readFileSync(join(dist, 'index.html'), 'utf8').replaceAll('__CSP_NONCE__', nonce))
})

const sockets = new WebSocketServer({ noServer: true, handleProtocols: (p) => (p.has('sip') ? 'sip' : false) })
server.on('upgrade', (req, socket, head) => sockets.handleUpgrade(req, socket, head, (ws) => {
  const p = signIns.get(cookieOf(req))
  if (req.url === '/sip') return sip.connect(ws, /guest/.test(req.headers['x-mock'] ?? '') || !p ? 'guest' : p.name)
  if (!p) return ws.close(4001)
  pages.add(ws)
  ws.on('close', () => pages.delete(ws))
  ws.send(JSON.stringify({ type: 'hello', now: now(), me: data.meOf(p) }))
  ws.send(JSON.stringify({ type: 'snapshot', now: now(), calls: [...calls.values()], queues: [...queues.values()], agents: [...agents.values()] }))
}))
server.listen(port, '127.0.0.1', () => console.log(`mock at http://127.0.0.1:${port}`))
