// Made-up people, queues and calls for the development mock.
const ago = (ms) => new Date(Date.now() - ms).toISOString()

export const people = [
  { name: 'alice', display: 'Alice', roles: ['agent'], groups: ['payments'] },
  { name: 'bob', display: 'Bob', roles: ['agent'], groups: ['fraud'] },
  { name: 'sue', display: 'Sue', roles: ['supervisor'], groups: ['*'] },
  { name: 'otto', display: 'Otto', roles: ['auditor'], groups: [] },
  { name: 'ada', display: 'Ada', roles: ['admin'], groups: [] },
]

const rights = {
  agent: { 'calls.read': 'groups', 'recordings.play': 'own', 'agents.state': 'own' },
  supervisor: { 'calls.read': 'groups', 'recordings.play': 'groups', 'numbers.unmask': 'groups', 'calls.monitor': 'groups', 'agents.state': 'groups' },
  auditor: { 'calls.read': 'all', 'recordings.play': 'all', 'numbers.unmask': 'all', 'audit.read': 'all' },
  admin: { 'calls.read': 'all', 'people.manage': 'all' },
}

export const meOf = (p) => ({ ...p, rights: Object.assign({}, ...p.roles.map((r) => rights[r])), ...(p.roles.includes('agent') ? { queues: ['payments', 'fraud'] } : {}) })

export const site = {
  mode: 'demo', name: 'ivrd', people: people.map(({ name, display, roles }) => ({ name, display, roles })),
  numbers: ['1000', 'echo'], dispositions: ['resolved', 'follow-up', 'complaint', 'fraud-confirmed', 'wrong-number'],
}

export const path = [
  { flow: 'main', node: 'hello', at_ms: 0 }, { flow: 'main', node: 'menu', at_ms: 1200 },
  { flow: 'main', node: 'pin', at_ms: 5200 }, { flow: 'main', node: 'to_payments', at_ms: 11400 },
]

export const priority = (value = 90, difficulty = 80) => ({
  policy: '1', score: 0.6 * value + 0.4 * difficulty,
  terms: [{ name: 'user_value', weight: 0.6, value }, { name: 'difficulty', weight: 0.4, value: difficulty }],
})

let seq = 10000
export const newId = () => `PS${Date.now()}${String(seq++).padStart(5, '0')}`

export const queues = [
  { name: 'fraud', waiting: 2, longest_ms: 62_000, ready: 1, talking: 2, staffed: 5, entered: 120, answered: 112, abandoned: 6, in_time: 89, target_ms: 20_000 },
  { name: 'payments', waiting: 4, longest_ms: 220_000, ready: 0, talking: 4, staffed: 11, entered: 402, answered: 371, abandoned: 27, in_time: 296, target_ms: 20_000 },
  { name: 'cards', waiting: 0, longest_ms: 0, ready: 3, talking: 1, staffed: 4, entered: 33, answered: 33, abandoned: 0, in_time: 26, target_ms: 20_000 },
]

export const agents = [
  { name: 'alice', queues: ['payments'], state: 'offline', since: ago(61_000) },
  { name: 'bob', queues: ['fraud'], state: 'talking', since: ago(372_000), call: 'PS170000000000000001' },
  { name: 'chen', queues: ['payments', 'fraud'], state: 'wrap-up', since: ago(44_000), until: ago(-20_000) },
  { name: 'dora', queues: ['payments'], state: 'away', reason: 'lunch', since: ago(1_400_000) },
  { name: 'emil', queues: ['fraud'], state: 'ready', since: ago(12_000) },
  { name: 'fay', queues: ['cards'], state: 'reserved', since: ago(4_000), until: ago(-16_000) },
]

export const lines = (caller = 'good', agent = 'good') => [
  { party: 'caller', grade: caller, heard_mos: { good: 4.4, fair: 3.5, poor: 2.3 }[caller], peer_heard_mos: 4.3 },
  { party: 'agent', grade: agent, heard_mos: { good: 4.4, fair: 3.6, poor: 2.1 }[agent] },
]

const voice = (mos, loss) => ({
  mos, worst_mos: Math.max(1, mos - 0.4 - loss / 10), listening_mos: mos, r: 20 * mos, loss_percent: loss, burst_ratio: 1.3, delay_ms: 92, jitter_ms: 4 + loss, packets: 9000, lost: Math.round(90 * loss),
})

const legs = (i) => [
  { party: 'caller', codec: 'PCMA', rtt_ms: 38.4, heard: voice(i % 7 === 2 ? 2.6 : 4.3, i % 7 === 2 ? 9.4 : 0.1), peer_heard: voice(4.2, 0.4) },
  { party: 'agent', who: ['alice', 'bob', 'chen'][i % 3], codec: 'PCMU', rtt_ms: 3.1, heard: voice(i % 5 === 1 ? 3.6 : 4.4, i % 5 === 1 ? 2.8 : 0) },
]

const felt = (label, confidence, arousal, valence) => ({
  label, confidence, method: 'rules-v1', scores: { [label]: confidence }, arousal: { value: arousal, confidence: 0.6 }, valence: { value: valence, confidence: valence ? 0.5 : 0 },
})
const heard = (speaker, who, at, text, more = {}) => ({ speaker, who, start_ms: at, end_ms: at + 90 * text.length + 400, kind: 'words', text, final: true, engine: 'vosk', language: 'en', ...more })
const wordsOf = (text, at) => text.replace(/[.,?]/g, '').split(' ').map((w, i) => ({ text: w.toLowerCase(), start_ms: at + 330 * i, end_ms: at + 330 * i + 300 }))
const unknown = { ...felt('unknown', 0, 0.5, 0), arousal: { value: 0.5, confidence: 0 } }

/** A talk of two minutes, in English and in Chinese, with all kinds of segments. */
export const talk = (agent) => [
  { speaker: 'ivr', start_ms: 300, end_ms: 4_200, kind: 'prompt', text: 'Welcome to the bank. Say what it is about, or press 1 for payments.', final: true },
  { speaker: 'caller', start_ms: 4_600, end_ms: 5_900, kind: 'choice', text: 'stolen card', final: true, engine: 'pocketsphinx', confidence: 0.71, intent: { name: 'card_lost', p: 0.93 } },
  { speaker: 'caller', start_ms: 7_000, end_ms: 9_000, kind: 'keys', text: '••••', final: true },
  { speaker: 'caller', start_ms: 9_400, end_ms: 10_600, kind: 'voice', text: '', final: true, emotion: unknown },
  heard('agent', agent, 12_000, 'Good morning, what can I do for you?'),
  heard('caller', undefined, 15_000, 'My card was used in a shop that I have never been to.', { words: wordsOf('My card was used in a shop that I have never been to', 15_000), confidence: 0.92, intent: { name: 'fraud', p: 0.88 }, emotion: felt('neutral', 0.4, 0.5, 0) }),
  heard('caller', undefined, 21_500, 'It was 1,200 dollars, on my card 6222••••••1234!', { entities: [{ kind: 'amount', value: '1200.00' }, { kind: 'card', value: '6222••••••1234' }], emotion: felt('unknown', 0, 0.68, -0.3) }),
  heard('agent', agent, 27_000, 'I will block it now. One moment, please.'),
  heard('caller', undefined, 34_000, 'This is the third time that I call. This is outrageous!', { words: wordsOf('This is the third time that I call. This is outrageous', 34_000), intent: { name: 'complaint', p: 0.81 }, emotion: felt('anger', 0.34, 0.88, -0.7) }),
  heard('agent', agent, 41_000, 'I understand. The money comes back within five days.'),
  heard('caller', undefined, 73_000, '好的，谢谢您。那我的新卡什么时候到？', { language: 'zh', emotion: felt('happiness', 0.45, 0.55, 0.5) }),
].map((s, i) => ({ seq: i + 1, ...s }))

const live = (n, c) => ({
  id: `PS17000000000000000${n}`, from: '138••••8000', to: '1000', language: 'zh', trusted: true, flow: 'main', path, recording: 'live',
  started_at: ago(400_000), answered_at: ago(399_000), since: ago(300_000), ...c,
})

export const liveCalls = [
  live(1, { lines: lines('poor'), state: 'talking', queue: 'fraud', agent: 'bob', transcribed: 'conversation', escalate: true, intent: 'complaint', emotion: felt('anger', 0.5, 0.9, -0.7), wait_ms: 42_000, priority: priority(), since: ago(372_000) }),
  live(2, { transcribed: 'menus', intent: 'balance', lines: lines('good', 'fair'), state: 'held', queue: 'payments', agent: 'chen', from: '+4420••••0132', language: 'en', wait_ms: 12_000, priority: priority(40, 60), since: ago(95_000) }),
  live(3, { state: 'waiting', queue: 'payments', from: '139••••1234', waiting_since: ago(220_000), since: ago(220_000), position: 1, priority: priority(70, 40) }),
  live(4, { state: 'waiting', queue: 'payments', from: '136••••7781', waiting_since: ago(35_000), since: ago(35_000), position: 2, priority: priority(20, 30) }),
  live(5, { state: 'ringing', queue: 'cards', from: '133••••0001', waiting_since: ago(9_000), since: ago(4_000), offer: { agent: 'fay', deadline: ago(-16_000) } }),
  live(6, { state: 'menu', from: '137••••4455', since: ago(6_000), started_at: ago(6_000), recording: 'paused' }),
]

const ends = ['caller-hangup', 'agent-hangup', 'flow-hangup']
export const records = Array.from({ length: 130 }, (_, i) => {
  const start = Date.now() - (i + 1) * 1_700_000
  const talked = i % 4 !== 3
  const me = ['alice', 'bob', 'chen'][i % 3]
  return {
    id: `PS${start}${String(i).padStart(5, '0')}`, channel: 'PS', from: `13${i % 9}••••${String(1000 + i)}`, to: '1000', trunk: 'demo', language: i % 3 ? 'zh' : 'en',
    started_at: new Date(start).toISOString(), answered_at: new Date(start + 900).toISOString(), ended_at: new Date(start + 200_000).toISOString(),
    end: { class: 'success', reason: ends[i % 3] }, flow: 'main', flow_version: 'a1b2c3d4e5f6', path,
    queue: i % 2 ? 'payments' : 'fraud', agent: talked ? me : undefined, wait_ms: 12_000 + i * 700, talk_ms: talked ? 60_000 + i * 2_000 : 0, priority: priority(50 + (i % 50), 40),
    recording: { state: i === 5 ? 'damaged' : i === 6 ? 'none' : 'complete', duration_ms: 24_000, channels: 2, gaps: [{ from_ms: 5_600, to_ms: 10_200, cause: 'secret' }], parts: 12 },
    node: 'n1', ...(talked ? { legs: legs(i), transcript: { segments: 11, coverage: i % 2 ? 'menus' : 'conversation', engines: ['pocketsphinx', 'vosk'] } } : {}), ...(talked && i % 5 === 0 ? { disposition: 'resolved', notes: 'Card blocked, a new one is on its way. Call back on Monday.' } : {}),
  }
})

/** 24 s of a made-up voice as WAV, 8 kHz, 16 bit, mono. */
export function wav(seed) {
  const n = 24 * 8000
  const b = Buffer.alloc(44 + n * 2)
  b.write('RIFF', 0); b.writeUInt32LE(36 + n * 2, 4); b.write('WAVEfmt ', 8); b.writeUInt32LE(16, 16); b.writeUInt16LE(1, 20)
  b.writeUInt16LE(1, 22); b.writeUInt32LE(8000, 24); b.writeUInt32LE(16000, 28); b.writeUInt16LE(2, 32); b.writeUInt16LE(16, 34)
  b.write('data', 36); b.writeUInt32LE(n * 2, 40)
  for (let i = 0; i < n; i++) {
    const s = i / 8000
    const on = Math.sin(s * (0.7 + seed * 0.3) + seed * 2) > 0.1 && !(s > 5.6 && s < 10.2)
    const a = on ? 0.3 * Math.abs(Math.sin(s * 5 + seed)) * (0.6 + 0.4 * Math.sin(s * 17)) : 0.004
    b.writeInt16LE(Math.round(32767 * a * Math.sin(2 * Math.PI * (160 + 60 * seed) * s)), 44 + i * 2)
  }
  return b
}
