import { useEffect, useState } from 'react'
import { api } from '../app/clients'
import { clock, today } from '../app/time'
import { useT } from '../i18n'
import type { CallRecord, Me } from '../protocol'
import { Panel } from './bits'
import { CallLines } from './Earlier'

const SHOWN = 8
const MOST_PAGES = 10

/** One's own calls of today. */
export function Figures({ me }: { me: Me }) {
  const t = useT()
  const [calls, setCalls] = useState<CallRecord[] | null | 'failed'>(null)
  useEffect(() => {
    const stop = new AbortController()
    mine(me.name, stop.signal).then(setCalls, () => !stop.signal.aborted && setCalls('failed'))
    return () => stop.abort()
  }, [me.name])
  const known = Array.isArray(calls) ? calls : []
  const talk = known.reduce((n, c) => n + (c.talk_ms ?? 0), 0)
  const shown = (s: string) => (Array.isArray(calls) ? s : '–')
  return (
    <Panel title={t('desk.today')}>
      <div className="stack">
        {calls === 'failed' && <p className="tone-warn">{t('desk.figuresFail')}</p>}
        <dl className="figures">
          <div><dt>{t('desk.todayCalls')}</dt><dd>{shown(String(known.length))}</dd></div>
          <div><dt>{t('desk.todayTalk')}</dt><dd>{shown(clock(talk))}</dd></div>
          <div><dt>{t('desk.todayAverage')}</dt><dd>{shown(known.length ? clock(talk / known.length) : '–')}</dd></div>
        </dl>
        {known.length > 0 && <div className="stack-s"><span className="quiet">{t('desk.recent')}</span><CallLines mine calls={known.slice(0, SHOWN)} /></div>}
      </div>
    </Panel>
  )
}

async function mine(agent: string, signal: AbortSignal): Promise<CallRecord[]> {
  const all: CallRecord[] = []
  let cursor: string | undefined
  for (let i = 0; i < MOST_PAGES; i++) {
    const page = await api.calls({ agent, since: today(), limit: 200, ...(cursor ? { cursor } : {}) }, signal)
    all.push(...page.calls)
    cursor = page.next_cursor
    if (!cursor) break
  }
  return all
}
