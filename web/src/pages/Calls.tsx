import { Button } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { api } from '../app/clients'
import { gradeOfRecord } from '../app/lines'
import { navigate, Link, usePlace } from '../app/router'
import { clock, today } from '../app/time'
import { useLocale, useT, wordFor } from '../i18n'
import { Empty, Panel, whyOf } from '../parts/bits'
import { CallFilters, type Filters, type Since } from '../parts/CallFilters'
import { GradeBadge } from '../parts/Lines'
import { Shell } from '../parts/Shell'
import type { CallRecord, Me } from '../protocol'

const PAGE = 50

export function Calls({ me }: { me: Me }) {
  const t = useT()
  const query = usePlace().split('?')[1] ?? ''
  const filters = filtersOf(query)
  const set = (f: Filters) => navigate('/calls' + textOf(f), { replace: true })
  return (
    <Shell me={me} title={t('calls.title')}>
      <div className="stack">
        <CallFilters filters={filters} set={set} me={me} />
        <Panel title={t('calls.title')} flush><List key={query} filters={filters} clear={() => set({ queue: '', agent: '', since: 'all' })} /></Panel>
      </div>
    </Shell>
  )
}

function List({ filters, clear }: { filters: Filters; clear: () => void }) {
  const t = useT()
  const { calls, status, error, more } = usePages(filters)
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const watch = new IntersectionObserver((e) => e.some((x) => x.isIntersecting) && more(), { rootMargin: '400px' })
    if (end.current) watch.observe(end.current)
    return () => watch.disconnect()
  }, [more])
  return (
    <>
      {calls.length > 0 && <CallTable calls={calls} />}
      <div className="body list-end" ref={end} role="status">
        {status === 'loading' && <span className="quiet">{t(calls.length ? 'calls.more' : 'app.loading')}</span>}
        {status === 'failed' && <Empty next={<Button variant="default" onClick={more}>{t('app.retry')}</Button>}>{error}</Empty>}
        {status === 'end' && (calls.length > 0
          ? <span className="quiet">{t('calls.end')}</span>
          : <Empty next={<Button variant="default" onClick={clear}>{t('calls.noneNext')}</Button>}>{t('calls.none')}</Empty>)}
      </div>
    </>
  )
}

type Status = 'loading' | 'idle' | 'failed' | 'end'

/** The list as far as it was scrolled. A page may be empty and yet have a next one. */
function usePages(filters: Filters) {
  const [calls, setCalls] = useState<CallRecord[]>([])
  const [status, setStatus] = useState<Status>('idle')
  const [error, setError] = useState('')
  const cursor = useRef<string | undefined>(undefined)
  const busy = useRef(false)
  const { queue, agent, since } = filters
  const more = useCallback(() => {
    if (busy.current) return
    busy.current = true
    setStatus('loading')
    const from = sinceOf(since)
    api.calls({ queue, agent, limit: PAGE, ...(from ? { since: from } : {}), ...(cursor.current ? { cursor: cursor.current } : {}) }).then((p) => {
      cursor.current = p.next_cursor
      setCalls((all) => [...all, ...p.calls])
      setStatus(p.next_cursor ? 'idle' : 'end')
      busy.current = !p.next_cursor
    }, (e: unknown) => {
      setError(whyOf(e))
      setStatus('failed')
      busy.current = false
    })
  }, [queue, agent, since])
  // The end of the list may still be in sight after a page: nothing scrolls then.
  useEffect(() => {
    if (status === 'idle' && (calls.length > 0 || cursor.current)) {
      const timer = setTimeout(() => document.documentElement.scrollHeight <= innerHeight + 400 && more(), 100)
      return () => clearTimeout(timer)
    }
    return undefined
  }, [status, calls, more])
  return { calls, status, error, more }
}

function CallTable({ calls }: { calls: CallRecord[] }) {
  const t = useT()
  const locale = useLocale()
  const at = (s: string) => new Date(s).toLocaleString(locale, { year: '2-digit', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' })
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={t('calls.title')}><table className="table">
      <thead><tr>
        <th scope="col">{t('calls.started')}</th>
        <th scope="col">{t('calls.from')}</th>
        <th scope="col">{t('monitor.queue')}</th>
        <th scope="col">{t('monitor.agent')}</th>
        <th scope="col" className="r hide-s">{t('calls.wait')}</th>
        <th scope="col" className="r">{t('calls.talk')}</th>
        <th scope="col" className="hide-s">{t('calls.ended')}</th>
        <th scope="col" className="hide-s">{t('calls.record')}</th>
        <th scope="col" className="hide-s">{t('calls.line')}</th>
      </tr></thead>
      <tbody>
        {calls.map((c) => (
          <tr key={c.id} className="link" data-testid={`call-row-${c.id}`} onClick={(e) => !e.defaultPrevented && navigate(`/calls/${c.id}`)}>
            <td className="num"><Link className="linkish" href={`/calls/${c.id}`}>{at(c.started_at)}</Link></td>
            <td className="num">{c.from ?? '–'}</td>
            <td>{c.queue ?? <span className="quiet">{c.to ?? '–'}</span>}</td>
            <td>{c.agent ?? c.connected ?? <span className="quiet">–</span>}</td>
            <td className="r hide-s">{c.queue ? clock(c.wait_ms ?? 0) : '–'}</td>
            <td className="r">{c.talk_ms ? clock(c.talk_ms) : '–'}</td>
            <td className="quiet hide-s">{c.end ? wordFor(t, 'end', c.end.reason) : c.ended_at ? '' : t('calls.live')}</td>
            <td className={`hide-s ${/damaged|crashed|partial/.test(c.recording.state) ? 'tone-warn' : 'quiet'}`}>{wordFor(t, 'rec', c.recording.state)}</td>
            <td className="hide-s"><Line call={c} /></td>
          </tr>
        ))}
      </tbody>
    </table></div>
  )
}

function Line({ call }: { call: CallRecord }) {
  const grade = gradeOfRecord(call)
  return grade ? <GradeBadge grade={grade} /> : <span className="quiet">–</span>
}

const sinces: Since[] = ['today', '7d', '30d', 'all']

function filtersOf(query: string): Filters {
  const q = new URLSearchParams(query)
  const since = q.get('since') as Since
  return { queue: q.get('queue') ?? '', agent: q.get('agent') ?? '', since: sinces.includes(since) ? since : '7d' }
}

function textOf(f: Filters): string {
  const q = new URLSearchParams()
  if (f.queue) q.set('queue', f.queue)
  if (f.agent) q.set('agent', f.agent)
  q.set('since', f.since)
  return '?' + q
}

function sinceOf(s: Since): string | undefined {
  if (s === 'all') return undefined
  if (s === 'today') return today()
  const days = s === '7d' ? 7 : 30
  return new Date(Date.parse(today()) - days * 86_400_000).toISOString()
}
