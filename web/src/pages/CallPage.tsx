import { Button } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { api, may } from '../app/clients'
import { toldOf } from '../app/feelings'
import { Link } from '../app/router'
import { Store } from '../app/store'
import { clock } from '../app/time'
import { useLocale, useT, wordFor } from '../i18n'
import { Empty, Panel, whyOf } from '../parts/bits'
import { Conversation } from '../parts/Conversation'
import { Escalating, FeelingMark } from '../parts/Feeling'
import { LegTable } from '../parts/Lines'
import { PathList } from '../parts/PathList'
import { mayHear, Recording } from '../parts/Recording'
import { Shell } from '../parts/Shell'
import { Why } from '../parts/Why'
import { isProblem, type CallRecord, type Me } from '../protocol'

export function CallPage({ id, me }: { id: string; me: Me }) {
  const t = useT()
  const [call, setCall] = useState<CallRecord | null>(null)
  const [error, setError] = useState<unknown>(null)
  const load = useCallback((unmask = false) => {
    setError(null)
    api.call(id, unmask).then(setCall, setError)
  }, [id])
  useEffect(() => load(), [load])
  return (
    <Shell me={me}>
      <div className="stack">
        <Link href="/calls" className="linkish row"><IconArrowLeft size={16} aria-hidden="true" />{t('calls.back')}</Link>
        {error !== null && <Failed error={error} again={load} />}
        {error === null && !call && <p className="quiet" role="status">{t('app.loading')}</p>}
        {call && <One call={call} me={me} unmask={() => load(true)} />}
      </div>
    </Shell>
  )
}

function Failed({ error, again }: { error: unknown; again: () => void }) {
  const t = useT()
  const gone = isProblem(error) && error.status === 404
  return <Empty next={gone ? undefined : <Button onClick={() => again()}>{t('app.retry')}</Button>}>{gone ? t('calls.notFound') : whyOf(error)}</Empty>
}

function One({ call, me, unmask }: { call: CallRecord; me: Me; unmask: () => void }) {
  const t = useT()
  // A function in a state must be wrapped, or React calls it.
  const [seek, setSeek] = useState<{ to: (ms: number) => void } | null>(null)
  const ready = useCallback((f: ((ms: number) => void) | null) => setSeek(f && { to: f }), [])
  const [position] = useState(() => new Store(-1))
  return (
    <>
      <h1 className="row one-title"><span className="num">{call.from ?? call.id}</span>{call.queue && <span className="quiet">{call.queue}</span>}{call.agent && <span className="quiet">{call.agent}</span>}</h1>
      <Panel title={t('calls.record')} side={<RecordingState call={call} />}><Recording call={call} me={me} ready={ready} position={position} /></Panel>
      <Panel title={t('desk.conversation')}><Words call={call} me={me} position={position} seek={seek?.to} /></Panel>
      {call.legs && call.legs.length > 0 && <Panel title={t('line.title')} flush>
        <LegTable legs={call.legs} />
        <p className="quiet small legs-hint">{t('line.hint')}</p>
      </Panel>}
      <div className="one-call">
        <Panel title={t('calls.details')}><Details call={call} me={me} unmask={unmask} /></Panel>
        <div className="stack">
          <Panel title={t('calls.steps')}><PathList steps={call.path} {...(seek ? { onPick: seek.to } : {})} /></Panel>
          {call.priority && <Panel title={t('desk.why')}><Why score={call.priority} /></Panel>}
          {(call.notes || call.disposition) && <Panel title={t('wrap.notes')}>
            <p><strong>{wordFor(t, 'disposition', call.disposition)}</strong></p>
            <p className="notes">{call.notes}</p>
          </Panel>}
        </div>
      </div>
    </>
  )
}

// To read what was said is an act of its own, as playing it is: for whoever plays it, it is the same one.
function Words({ call, me, position, seek }: { call: CallRecord; me: Me; position: Store<number>; seek: ((ms: number) => void) | undefined }) {
  const t = useT()
  const [asked, setAsked] = useState(false)
  if (!mayHear(me, call)) return <Empty>{t('talk.noRight')}</Empty>
  if (asked || seek || call.agent === me.name) {
    return <Conversation id={call.id} me={me} coverage={call.transcript?.coverage ?? ''} live={!call.ended_at} position={position} onPick={seek} wordsOnly={seek !== undefined} />
  }
  return (
    <div className="row">
      <Button variant="default" data-testid="show-words" onClick={() => setAsked(true)}>{t('talk.show')}</Button>
      <span className="quiet">{t('talk.showHint')}</span>
    </div>
  )
}

function RecordingState({ call }: { call: CallRecord }) {
  const t = useT()
  const s = call.recording.state
  return <span className={/damaged|crashed|partial/.test(s) ? 'tone-warn' : 'quiet'}>{wordFor(t, 'rec', s)}{call.recording.cause && ` · ${call.recording.cause}`}</span>
}

/** How the caller sounded over the whole call. */
function Mood({ mood }: { mood: NonNullable<CallRecord['emotion']> }) {
  if (!mood.escalated && !toldOf(mood)) return null
  return <span className="row">{mood.escalated && <Escalating />}<FeelingMark emotion={mood} words /></span>
}

function Details({ call, me, unmask }: { call: CallRecord; me: Me; unmask: () => void }) {
  const t = useT()
  const locale = useLocale()
  const at = (s: string | undefined) => (s ? new Date(s).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' }) : '')
  const masked = call.from?.includes('•')
  const facts: [string, React.ReactNode][] = [
    [t('calls.from'), <span className="row" key="from"><span className="num">{call.from}</span>{masked && may(me, 'numbers.unmask') && <Button variant="default" size="compact-xs" title={t('calls.unmaskHint')} onClick={unmask}>{t('calls.unmask')}</Button>}</span>],
    [t('calls.to'), call.to],
    [t('desk.language'), wordFor(t, 'lang', call.language)],
    [t('calls.started'), at(call.started_at)],
    [t('calls.answeredAt'), at(call.answered_at)],
    [t('calls.endedAt'), call.ended_at ? `${at(call.ended_at)} · ${wordFor(t, 'end', call.end?.reason)}` : t('calls.live')],
    [t('monitor.queue'), call.queue],
    [t('monitor.agent'), call.agent ?? call.connected],
    [t('calls.wait'), call.queue ? clock(call.wait_ms ?? 0) : ''],
    [t('calls.talk'), call.talk_ms ? clock(call.talk_ms) : ''],
    [t('talk.intent'), wordFor(t, 'intent', call.intent)],
    [t('feeling.line'), call.emotion && <Mood mood={call.emotion} key="mood" />],
    [t('calls.flow'), [call.flow, call.flow_version].filter(Boolean).join(' · ')],
    [t('calls.id'), call.id],
  ]
  return (
    <dl className="facts">
      {facts.filter(([, v]) => v).map(([k, v]) => <div className="fact" key={k}><dt>{k}</dt><dd>{v}</dd></div>)}
    </dl>
  )
}
