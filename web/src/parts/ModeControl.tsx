import { Button, TextInput } from '@mantine/core'
import { IconEar, IconMessageCircle, IconPhoneIncoming, IconUsers, IconVolumeOff, type Icon } from '@tabler/icons-react'
import { useEffect, useState, type FormEvent } from 'react'
import { api, phone, raw } from '../app/clients'
import { useKeys } from '../app/keys'
import { useT, type Key as Word } from '../i18n'
import { isProblem, type LiveCall, type Me, type MonitorMode, type PhoneSnapshot } from '../protocol'
import { Key, whyOf } from './bits'

const modes: [MonitorMode, string, Icon][] = [
  ['listen', 'l', IconEar], ['whisper', 'w', IconMessageCircle], ['barge', 'b', IconUsers], ['takeover', 'o', IconPhoneIncoming],
]

export const heardBy: Record<MonitorMode, Word> = {
  listen: 'monitor.byNobody', whisper: 'monitor.byAgent', barge: 'monitor.byBoth', takeover: 'monitor.byCaller',
}

// Why a supervisor took part, asked once per call, also when the call is closed and opened again.
const given = new Map<string, string>()

/** The four ways to take part in a call as one control, with who hears one said in words. */
export function ModeControl({ call, p, me }: { call: LiveCall; p: PhoneSnapshot; me: Me }) {
  const t = useT()
  const [asked, setAsked] = useState<MonitorMode | null>(null)
  const [pending, setPending] = useState<MonitorMode | 'stop' | null>(null)
  const [sent, setSent] = useState<MonitorMode | null>(null)
  const [error, setError] = useState('')
  const mine = p.role === 'supervisor' && p.callId === call.id
  const talking = mine && p.state === 'talking'
  const told = call.monitors?.find((m) => m.who === me.name)?.mode ?? (talking && call.agent === me.name ? 'takeover' : null)
  // Between the server's answer and its event the page must not say that nobody hears one.
  const mode = told ?? (talking ? sent : null)
  // The server lets nobody hear who listens, whatever their phone sends; the page sends nothing either. Tests of the
  // server play tones (raw) and want them sent.
  useEffect(() => {
    if (talking && !raw) phone.mute(mode === 'listen')
  }, [talking, mode])
  const talks = call.state === 'talking' || call.state === 'held' || mode !== null

  const send = (m: MonitorMode, reason: string) => {
    given.set(`${me.name} ${call.id}`, reason)
    setAsked(null)
    setPending(m)
    setError('')
    api.monitor(call.id, m, reason).then(() => setSent(m)).catch((e: unknown) => setError(whyOf(e))).finally(() => setPending(null))
  }
  const choose = (m: MonitorMode) => {
    const reason = given.get(`${me.name} ${call.id}`)
    if (reason) send(m, reason)
    else setAsked(m)
  }
  const stop = () => {
    setPending('stop')
    setError('')
    api.unmonitor(call.id).catch((e: unknown) => {
      // Who has taken the call over is no monitor any more: they hang up.
      if (isProblem(e, 'no-monitor') && mine) phone.hangup()
      else setError(whyOf(e))
    }).finally(() => setPending(null))
  }
  // Who has taken a call over has nobody left to listen to.
  const can = talks && p.registered && pending === null && mode !== 'takeover'
  useKeys({
    ...Object.fromEntries(modes.map(([m, k]) => [k, can && m !== mode && (() => choose(m))])),
    x: (mode !== null || mine) && stop,
  })
  return (
    <div className="stack" data-testid="mode-control">
      <div className="modes" role="group" aria-label={t('monitor.mode')}>
        {modes.map(([m, k, Icon]) => (
          <button key={m} type="button" data-testid={`mode-${m}`} aria-pressed={mode === m} aria-keyshortcuts={k} disabled={!can} onClick={() => m !== mode && choose(m)}>
            <Icon size={16} aria-hidden="true" /><span>{t(`monitor.${m}`)}</span><Key>{k.toUpperCase()}</Key>
          </button>
        ))}
        <button type="button" data-testid="mode-stop" disabled={mode === null && !mine} aria-keyshortcuts="x" onClick={stop}>
          <IconVolumeOff size={16} aria-hidden="true" /><span>{t('monitor.stop')}</span><Key>X</Key>
        </button>
      </div>
      <p className={`heard ${mode ?? 'off'}`} role="status" data-testid="mode-heard">
        {t(mode ? (talking ? heardBy[mode] : 'monitor.connecting') : talking ? 'monitor.unsure' : 'monitor.off')}
      </p>
      {!p.registered && <p className="tone-warn">{t('monitor.noPhone')}</p>}
      {!talks && <p className="quiet">{t('monitor.needTalk')}</p>}
      {error && <p className="tone-bad" role="alert">{error}</p>}
      {asked && <Reason mode={asked} send={send} cancel={() => setAsked(null)} />}
    </div>
  )
}

const usual: Word[] = ['monitor.reasonQuality', 'monitor.reasonComplaint', 'monitor.reasonHelp', 'monitor.reasonTraining']

function Reason({ mode, send, cancel }: { mode: MonitorMode; send: (m: MonitorMode, reason: string) => void; cancel: () => void }) {
  const t = useT()
  const [reason, setReason] = useState('')
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (reason.trim()) send(mode, reason.trim())
  }
  return (
    <form className="stack inset" onSubmit={submit} onKeyDown={(e) => e.key === 'Escape' && cancel()}>
      <TextInput label={`${t(`monitor.${mode}`)} – ${t('monitor.reason')}`} description={t('monitor.reasonHint')} autoFocus maxLength={66} data-testid="reason" value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
      <div className="row">{usual.map((k) => <Button key={k} size="compact-xs" variant="default" onClick={() => setReason(t(k))}>{t(k)}</Button>)}</div>
      {mode === 'takeover' && <p className="tone-warn">{t('monitor.takeoverWarn')}</p>}
      <div className="row">
        <Button type="submit" disabled={!reason.trim()} data-testid="reason-go">{t('monitor.go')}</Button>
        <Button variant="default" onClick={cancel}>{t('app.cancel')}</Button>
      </div>
    </form>
  )
}
