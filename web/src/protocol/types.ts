// The shapes of docs/protocol.md and docs/api.md. Fields that are empty may be left out by the server.

export type Role = 'agent' | 'supervisor' | 'auditor' | 'admin'
export type Scope = 'own' | 'groups' | 'all'
export type Right =
  | 'calls.read'
  | 'recordings.play'
  | 'numbers.unmask'
  | 'calls.monitor'
  | 'agents.state'
  | 'audit.read'
  | 'people.manage'

export interface Me {
  name: string
  display: string
  roles: Role[]
  groups: string[]
  rights: Partial<Record<Right, Scope>>
  /** Where an agent may give a caller, also what they may not look into. */
  queues?: string[]
}

export interface Site {
  mode: 'demo' | 'production' | (string & {})
  name: string
  people?: { name: string; display: string; roles: Role[] }[]
  numbers?: string[]
  dispositions?: string[]
}

export interface PhoneSecret {
  uri: string
  realm: string
  username: string
  secret: string
  expires_at: string
  path: string
}

export interface Step {
  flow: string
  node: string
  at_ms: number
}

export interface Score {
  policy: string
  score: number
  /** Parts are what a value is the sum of, where that is known. */
  terms: { name: string; weight: number; value: number; parts?: { name: string; points: number; why?: string }[] }[]
}

export type CallState = 'menu' | 'waiting' | 'ringing' | 'talking' | 'held' | 'away' | 'connected'
export type MonitorMode = 'listen' | 'whisper' | 'barge' | 'takeover'

export interface LiveCall {
  id: string
  from: string
  to: string
  language?: string
  trusted?: boolean
  state: CallState
  since: string
  started_at: string
  answered_at?: string
  flow?: string
  path?: Step[]
  queue?: string
  agent?: string
  wait_ms?: number
  waiting_since?: string
  position?: number
  priority?: Score
  offer?: { agent: string; deadline: string }
  recording?: 'none' | 'live' | 'paused'
  monitors?: { who: string; mode: MonitorMode }[]
  detached?: boolean
  lines?: LiveLine[] | undefined
  /** How much of it is written down. */
  transcribed?: Coverage
  /** What the caller's latest utterance seems to express. */
  emotion?: Emotion
  /** The signs of anger have grown: somebody should look. */
  escalate?: boolean
  /** What the caller was last understood to want. */
  intent?: string
}

/** Menus: what was said to the house and by it; conversation: both sides, by a dictation engine. */
export type Coverage = '' | 'menus' | 'conversation'
export type Speaker = 'caller' | 'agent' | 'supervisor' | 'other' | 'ivr'
export type SegmentKind = 'words' | 'choice' | 'keys' | 'prompt' | 'voice'

/** One thing that was said or pressed; what comes under a known `seq` replaces what was there. */
export interface Segment {
  seq: number
  speaker: Speaker
  who?: string
  /** Times of the recording. */
  start_ms: number
  end_ms: number
  kind: SegmentKind
  text: string
  final: boolean
  engine?: string
  language?: string
  confidence?: number
  words?: SpokenWord[]
  intent?: { name: string; p: number }
  entities?: { kind: string; value: string }[]
  emotion?: Emotion
}

export interface SpokenWord {
  text: string
  start_ms: number
  end_ms: number
}

export type Feeling = 'unknown' | 'neutral' | 'anger' | 'disgust' | 'fear' | 'happiness' | 'sadness' | 'surprise'

/** A value and how far it is to be believed, 0 to 1; 0 says that nothing is known. */
export interface Measure {
  value: number
  confidence: number
}

/** A guess of what an utterance expresses (docs/emotion.md). */
export interface Emotion {
  label: Feeling
  /** No probability of being right. */
  confidence: number
  method: string
  model?: string
  scores?: Partial<Record<Feeling, number>>
  /** From 0, calm, to 1; 0.5 is as the same person usually speaks. */
  arousal: Measure
  /** From -1, unpleasant, to 1. */
  valence: Measure
}

/** What was said in a call, of GET /calls/{id}/transcript. */
export interface Transcript {
  call_id: string
  coverage: Coverage
  engines?: string[] | null
  segments?: Segment[] | null
}

export type Grade = 'good' | 'fair' | 'poor'

/** A party's line in the latest 5 s; MOS are from 1 to 4.5. */
export interface LiveLine {
  party: 'caller' | 'agent' | 'other'
  /** Of the worse way. */
  grade: Grade
  heard_mos?: number
  peer_heard_mos?: number
}

export interface Queue {
  name: string
  waiting: number
  longest_ms: number
  ready: number
  talking: number
  staffed: number
  entered: number
  answered: number
  abandoned: number
  /** Of the answered, those within target_ms. */
  in_time: number
  target_ms: number
}

export type AgentState = 'offline' | 'ready' | 'reserved' | 'talking' | 'wrap-up' | 'away'
export type AskedState = 'ready' | 'away' | 'offline'

export interface Agent {
  name: string
  queues?: string[] | null
  skills?: Record<string, number>
  languages?: string[]
  state: AgentState
  reason?: string
  since: string
  idle?: string
  call?: string
  until?: string
  then?: AgentState
}

export type RecordingState = 'none' | 'live' | 'complete' | 'crashed' | 'partial' | 'damaged'

export interface Gap {
  from_ms: number
  to_ms: number
  cause: string
}

/** How well one voice came over, in the whole call. */
export interface Voice {
  mos: number
  worst_mos: number
  listening_mos: number
  r: number
  loss_percent: number
  burst_ratio: number
  delay_ms: number
  jitter_ms: number
  packets?: number
  lost: number
  late?: number
}

export interface LegRecord {
  party: 'caller' | 'agent' | 'supervisor' | 'other'
  who?: string
  codec?: string
  rtt_ms?: number
  /** How long the party has spoken. */
  talk_ms?: number
  /** The party's voice as it came to the server, and what the party heard. */
  heard?: Voice
  peer_heard?: Voice
}

/** The record of a call. A damaged one has its id, started_at and recording only. */
export interface CallRecord {
  id: string
  channel?: string
  from?: string
  to?: string
  trunk?: string
  language?: string
  started_at: string
  answered_at?: string
  ended_at?: string
  end?: { class: string; reason: string; status?: number }
  flow?: string
  flow_version?: string
  path?: Step[]
  queue?: string
  agent?: string
  /** The number outside that the flow has connected, masked as `from`. */
  connected?: string
  wait_ms?: number
  talk_ms?: number
  priority?: Score
  recording: {
    state: RecordingState
    duration_ms?: number
    channels?: number
    gaps?: Gap[]
    cause?: string
    parts?: number
    chain?: string
  }
  messages?: { tag: string; from_ms: number; to_ms: number }[]
  node?: string
  legs?: LegRecord[]
  /** How much of what was said is written down: GET …/transcript has it. */
  transcript?: { segments?: number; coverage?: Coverage; engines?: string[] }
  /** What the caller seemed to express over the whole call. */
  emotion?: { label: Feeling; confidence: number; method: string; escalated?: boolean }
  /** What the caller was last understood to want. */
  intent?: string
  disposition?: string
  notes?: string
}

export interface CallPage {
  calls: CallRecord[]
  next_cursor?: string
}

export interface CallQuery {
  state?: 'live' | 'ended'
  queue?: string
  agent?: string
  since?: string
  until?: string
  limit?: number
  cursor?: string
}

export type Track = 'caller' | 'agent' | 'prompts' | 'supervisor'

export type ServerEvent =
  | { type: 'hello'; now: string; me: Me }
  | { type: 'snapshot'; now: string; calls?: LiveCall[] | null; queues?: Queue[] | null; agents?: Agent[] | null }
  | { type: 'call'; call: LiveCall }
  | { type: 'call.gone'; id: string }
  | { type: 'segment'; id: string; segment: Segment }
  | { type: 'queue'; queue: Queue }
  | { type: 'agent'; agent: Agent }
  | { type: 'tick'; now: string }
