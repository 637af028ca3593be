import { IconArrowForwardUp, IconDialpad, IconEar, IconMicrophone, IconMicrophoneOff, IconMusic, IconMusicOff, IconPhoneOff, IconPlayerPause, IconPlayerRecord, IconShieldCheck, IconShieldQuestion } from '@tabler/icons-react'
import { useState } from 'react'
import { api, phone, usePhone } from '../app/clients'
import { useKeys } from '../app/keys'
import { clock, since, useNow } from '../app/time'
import { useT, wordFor } from '../i18n'
import type { LiveCall, PhoneSnapshot } from '../protocol'
import { KeyButton, Panel, whyOf } from './bits'
import { Escalating } from './Feeling'
import { Keypad } from './Keypad'
import { LevelMeter } from './LevelMeter'
import { deskNames, LiveLines } from './Lines'
import { CallBadge } from './StateBadge'
import { Transfer } from './Transfer'
import { Why } from './Why'

/** The call of the agent: what it is, and what can be done with it. `here` is whether its sound is in this page. */
export function CallCard({ call, here }: { call: LiveCall; here: boolean }) {
  const t = useT()
  const p = usePhone()
  return (
    <Panel title={t('desk.call')} side={<CallBadge state={call.state} />} className="call-card">
      <div className="stack">
        <div className="row">
          <span className="big-number" title={t('desk.masked')}>{call.from}</span>
          <span className="grow" />
          <Duration call={call} />
        </div>
        <Facts call={call} />
        <Flags call={call} p={p} here={here} />
        <LiveLines call={call} names={deskNames} />
        {here && p.state === 'talking' && <Levels p={p} />}
        <Controls call={call} p={p} here={here} />
      </div>
    </Panel>
  )
}

function Duration({ call }: { call: LiveCall }) {
  const t = useT()
  const now = useNow()
  return <span className="big-number num" title={t('desk.duration')}>{clock(since(call.answered_at ?? call.started_at, now))}</span>
}

function Facts({ call }: { call: LiveCall }) {
  const t = useT()
  return (
    <>
      <p className="row">
        {call.queue && <strong>{call.queue}</strong>}
        {call.wait_ms !== undefined && <span className="num">{t('desk.waited')} {clock(call.wait_ms)}</span>}
        {call.language && <span>{wordFor(t, 'lang', call.language)}</span>}
        <span className="state quiet">
          {call.trusted ? <IconShieldCheck size={16} aria-hidden="true" /> : <IconShieldQuestion size={16} aria-hidden="true" />}
          {t(call.trusted ? 'desk.trusted' : 'desk.untrusted')}
        </span>
      </p>
      <Why score={call.priority} />
    </>
  )
}

function Flags({ call, p, here }: { call: LiveCall; p: PhoneSnapshot; here: boolean }) {
  const t = useT()
  const rec = call.recording ?? 'none'
  return (
    <ul className="row flags">
      {call.escalate && <li><Escalating /></li>}
      <li className={`state ${rec === 'live' ? 'tone-bad' : 'tone-warn'}`}>
        {rec === 'live' ? <IconPlayerRecord size={16} aria-hidden="true" /> : <IconPlayerPause size={16} aria-hidden="true" />}
        {t(rec === 'live' ? 'desk.recLive' : rec === 'paused' ? 'desk.recPaused' : 'desk.recNone')}
      </li>
      {here && p.muted && <li className="state tone-warn"><IconMicrophoneOff size={16} aria-hidden="true" />{t('desk.muted')}</li>}
      {here && p.silentMic && <li className="state tone-bad"><IconMicrophoneOff size={16} aria-hidden="true" />{t('desk.silentMic')}</li>}
      {call.monitors?.map((m) => (
        <li key={m.who} className="state tone-busy">
          <IconEar size={16} aria-hidden="true" />
          {t(m.mode === 'listen' ? 'desk.monitored' : m.mode === 'whisper' ? 'desk.monitoredWhisper' : 'desk.monitoredBarge', { who: m.who })}
        </li>
      ))}
    </ul>
  )
}

function Levels({ p }: { p: PhoneSnapshot }) {
  const t = useT()
  return (
    <div className="levels">
      <span className="quiet">{t('sound.heard')}</span><LevelMeter stream={p.remoteStream} label={t('sound.heard')} />
      <span className="quiet">{t('sound.sent')}</span><LevelMeter stream={p.muted ? null : p.localStream} label={t('sound.sent')} />
    </div>
  )
}

type Open = 'keypad' | 'transfer' | null

function Controls({ call, p, here }: { call: LiveCall; p: PhoneSnapshot; here: boolean }) {
  const t = useT()
  const [open, setOpen] = useState<Open>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const held = call.state === 'held'
  const talks = call.state === 'talking' || held
  const sound = here && p.state === 'talking'
  const run = (what: Promise<void>) => {
    setBusy(true)
    setError('')
    what.catch((e: unknown) => setError(t('desk.failed', { why: whyOf(e) }))).finally(() => setBusy(false))
  }
  const toggle = (o: Open) => setOpen(open === o ? null : o)
  const mute = () => phone.mute(!p.muted)
  const hold = () => run(api.hold(call.id, !held))
  useKeys({
    m: sound && mute,
    h: talks && !busy && hold,
    k: sound && (() => toggle('keypad')),
    t: talks && (() => toggle('transfer')),
    e: sound && (() => phone.hangup()),
    escape: open !== null && (() => setOpen(null)),
  })
  return (
    <div className="stack">
      <div className="controls">
        <KeyButton hotkey="m" data-testid="mute" variant={p.muted ? 'filled' : 'default'} aria-pressed={p.muted} disabled={!sound} onClick={mute} leftSection={p.muted ? <IconMicrophoneOff size={16} /> : <IconMicrophone size={16} />}>{t(p.muted ? 'desk.unmute' : 'desk.mute')}</KeyButton>
        <KeyButton hotkey="h" data-testid="hold" variant={held ? 'filled' : 'default'} aria-pressed={held} disabled={!talks || busy} onClick={hold} leftSection={held ? <IconMusicOff size={16} /> : <IconMusic size={16} />}>{t(held ? 'desk.unhold' : 'desk.hold')}</KeyButton>
        <KeyButton hotkey="k" data-testid="keypad" variant="default" aria-expanded={open === 'keypad'} disabled={!sound} onClick={() => toggle('keypad')} leftSection={<IconDialpad size={16} />}>{t('desk.keypad')}</KeyButton>
        <KeyButton hotkey="t" data-testid="transfer" variant="default" aria-expanded={open === 'transfer'} disabled={!talks} onClick={() => toggle('transfer')} leftSection={<IconArrowForwardUp size={16} />}>{t('desk.transfer')}</KeyButton>
        <KeyButton hotkey="e" data-testid="hangup" color="red.9" className="wide" disabled={!sound} onClick={() => phone.hangup()} leftSection={<IconPhoneOff size={16} />}>{t('desk.end')}</KeyButton>
      </div>
      {error && <p className="tone-bad" role="alert">{error}</p>}
      {open === 'keypad' && sound && <Keypad press={(k) => phone.key(k)} />}
      {open === 'transfer' && talks && <Transfer call={call} />}
    </div>
  )
}
