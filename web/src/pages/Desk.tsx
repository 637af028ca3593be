import { Button } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { api, phone, useEvents, usePhone } from '../app/clients'
import { readDraft, writeDraft } from '../app/drafts'
import { useKeys } from '../app/keys'
import { useT } from '../i18n'
import { Banner, Empty, KeyButton, Panel, whyOf } from '../parts/bits'
import { CallCard } from '../parts/CallCard'
import { Conversation, coverageOf } from '../parts/Conversation'
import { Earlier } from '../parts/Earlier'
import { Figures } from '../parts/Figures'
import { NotesForm, useNotes } from '../parts/Notes'
import { PathFold } from '../parts/PathList'
import { Shell } from '../parts/Shell'
import { SoundCheck } from '../parts/SoundCheck'
import { WrapUp, type LastCall } from '../parts/WrapUp'
import type { Agent, EventsState, LiveCall, Me, PhoneSnapshot } from '../protocol'

const MINE = new Set(['talking', 'held', 'away'])

export function Desk({ me }: { me: Me }) {
  const t = useT()
  const e = useEvents()
  const p = usePhone()
  useEffect(() => void phone.start(), [])
  const mine = [...e.calls.values()].filter((c) => c.agent === me.name && MINE.has(c.state))
  const call = mine.find((c) => c.id === p.callId) ?? mine[0]
  const [last, forget] = useLastCall(call)
  useEffect(() => {
    if (e.known && !call) phone.forgetMoved()
  }, [e.known, call])
  const agent = e.agents.get(me.name)
  const here = call !== undefined && p.callId === call.id && p.state !== 'moved'
  return (
    <Shell me={me} title={t('desk.title')} banner={<Banners e={e} p={p} call={call} here={here} me={me} />}>
      <div className="desk">
        <div className="stack">
          {call ? <CallCard call={call} here={here} /> : <Between agent={agent} me={me} last={last} forget={forget} />}
        </div>
        <Middle call={call} me={me} />
        <Customer call={call} last={last} />
      </div>
    </Shell>
  )
}

interface BetweenProps {
  agent: Agent | undefined
  me: Me
  last: LastCall | null
  forget: () => void
}

// The notes keep their place when the wrap-up ends by its timer: who is typing goes on typing.
function Between({ agent, me, last, forget }: BetweenProps) {
  const wraps = agent?.state === 'wrap-up'
  return (
    <>
      {!wraps && <Idle agent={agent} me={me} />}
      {last ? <WrapUp key={last.id} agent={agent} last={last} close={forget} /> : wraps && <WrapUp agent={agent} last={null} close={forget} />}
    </>
  )
}

function Idle({ agent, me }: { agent: Agent | undefined; me: Me }) {
  const t = useT()
  const [error, setError] = useState('')
  const ready = agent?.state === 'ready' || agent?.state === 'reserved'
  const go = () => api.setState(me.name, 'ready').then(() => setError(''), (e: unknown) => setError(whyOf(e)))
  useKeys({ r: !ready && (() => void go()) })
  return (
    <Panel title={t('desk.noCall')}>
      <Empty next={ready ? undefined : <KeyButton hotkey="r" data-testid="go-ready" onClick={() => void go()}>{t('desk.goReady')}</KeyButton>}>
        {t(ready ? 'desk.readyHint' : 'desk.awayHint')}
      </Empty>
      {error && <p className="tone-bad" role="alert">{error}</p>}
    </Panel>
  )
}

function Middle({ call, me }: { call: LiveCall | undefined; me: Me }) {
  const t = useT()
  if (!call) return <Figures me={me} />
  return (
    <Panel title={t('desk.conversation')}>
      <div className="stack">
        <Conversation key={call.id} id={call.id} me={me} coverage={coverageOf(call)} live />
        <PathFold steps={call.path} />
        <CallNotes key={call.id} id={call.id} />
      </div>
    </Panel>
  )
}

function CallNotes({ id }: { id: string }) {
  return <NotesForm n={useNotes(id)} />
}

function Customer({ call, last }: { call: LiveCall | undefined; last: LastCall | null }) {
  const t = useT()
  const id = call?.id ?? last?.id
  if (!id) return <Panel title={t('sound.check')}><SoundCheck /></Panel>
  return <Panel title={t('desk.customer')}><div className="stack"><h3 className="quiet">{t('desk.earlier')}</h3><Earlier id={id} /></div></Panel>
}

interface BannersProps {
  e: EventsState
  p: PhoneSnapshot
  call: LiveCall | undefined
  here: boolean
  me: Me
}

function Banners({ e, p, call, here, me }: BannersProps) {
  const t = useT()
  const elsewhere = useSettled(call !== undefined && call.state !== 'away' && !here && p.state !== 'ringing')
  const rings = useSettled([...e.calls.values()].some((c) => c.offer?.agent === me.name) && p.registered && p.state !== 'ringing' && p.state !== 'talking')
  const was = useRef(false)
  if (p.registered) was.current = true
  const lost = useSettled(e.status === 'lost' || (was.current && !p.registered), 600)
  return (
    <>
      {lost && <Banner tone="bad" testid="reconnecting">{t(call ? 'desk.reconnectingTalk' : 'desk.reconnecting')}</Banner>}
      {!lost && e.status === 'stale' && <Banner tone="warn" testid="stale">{t('desk.stale')}</Banner>}
      {!lost && call?.state === 'away' && <Banner tone="warn">{t('desk.away')}</Banner>}
      {elsewhere && call && <Elsewhere id={call.id} />}
      {rings && <Banner tone="busy">{t('desk.elsewhereRing')}</Banner>}
      {p.soundBlocked && <Banner tone="warn">{t('sound.blocked')}<Button variant="default" onClick={() => phone.unblock()}>{t('sound.unblock')}</Button></Banner>}
    </>
  )
}

function Elsewhere({ id }: { id: string }) {
  const t = useT()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const move = () => {
    setBusy(true)
    setError('')
    phone.registerAgain().then(() => api.attach(id, phone.username))
      .catch((e: unknown) => setError(t('desk.moveFail', { why: whyOf(e) }))).finally(() => setBusy(false))
  }
  return (
    <Banner tone="busy" testid="sound-elsewhere">
      {t('desk.elsewhere')}
      <Button variant="default" loading={busy} data-testid="move-here" onClick={move}>{t('desk.moveHere')}</Button>
      {error && <span className="tone-bad" role="alert">{error}</span>}
    </Banner>
  )
}

/** True when something has been so for a while: events and the phone tell of the same change at different moments. */
function useSettled(now: boolean, ms = 1_500): boolean {
  const [settled, set] = useState(false)
  useEffect(() => {
    if (!now) return set(false)
    const timer = setTimeout(() => set(true), ms)
    return () => clearTimeout(timer)
  }, [now, ms])
  return now && settled
}

/** The server takes notes until one hour after a call. */
const NOTES_MS = 3_600_000

/** The call before, for its notes, also after a reload; and how to forget it. */
function useLastCall(call: LiveCall | undefined): [LastCall | null, () => void] {
  const [last, set] = useState<LastCall | null>(readLast)
  const keep = (l: LastCall | null) => {
    set(l)
    writeDraft('last-call', l)
  }
  useEffect(() => {
    if (!call) return
    const l = { id: call.id, from: call.from, queue: call.queue }
    keep({ ...l, seen: Date.now() })
    return () => keep({ ...l, seen: Date.now() })
  }, [call?.id])
  return [last, () => keep(null)]
}

function readLast(): LastCall | null {
  const l = readDraft<LastCall>('last-call')
  return l && Date.now() - l.seen < NOTES_MS ? l : null
}
