import { useEffect, useState } from 'react'
import { api } from '../app/clients'
import { Link } from '../app/router'
import { clock } from '../app/time'
import { useLocale, useT, wordFor } from '../i18n'
import type { CallRecord } from '../protocol'
import { Empty } from './bits'

/** The last visits of the same caller that the reader may see. */
export function Earlier({ id }: { id: string }) {
  const t = useT()
  const [calls, setCalls] = useState<CallRecord[] | 'loading' | 'failed'>('loading')
  useEffect(() => {
    const stop = new AbortController()
    setCalls('loading')
    api.earlier(id, stop.signal).then((p) => setCalls(p.calls), () => !stop.signal.aborted && setCalls('failed'))
    return () => stop.abort()
  }, [id])
  if (calls === 'loading') return <p className="quiet">{t('app.loading')}</p>
  if (calls === 'failed') return <p className="tone-warn">{t('desk.earlierFail')}</p>
  if (calls.length === 0) return <Empty>{t('desk.earlierNone')}</Empty>
  return <CallLines calls={calls} />
}

export function CallLines({ calls, mine }: { calls: CallRecord[]; mine?: boolean }) {
  const t = useT()
  const locale = useLocale()
  const at = (s: string) => new Date(s).toLocaleString(locale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' })
  return (
    <ul className="lines">
      {calls.map((c) => (
        <li key={c.id}>
          <Link href={`/calls/${c.id}`} className="linkish num">{at(c.started_at)}</Link>
          <span>{c.queue}</span>
          <span className="num quiet">{clock(c.talk_ms ?? 0)}</span>
          <Sub words={[mine ? '' : c.agent, wordFor(t, 'disposition', c.disposition)]} />
          {c.notes && <p className="quiet cut wide">{c.notes}</p>}
        </li>
      ))}
    </ul>
  )
}

function Sub({ words }: { words: (string | undefined)[] }) {
  const text = words.filter(Boolean).join(' · ')
  return text ? <span className="quiet">{text}</span> : null
}
