import { IconAlertTriangle } from '@tabler/icons-react'
import { clock, since, useNow } from '../app/time'
import { useT } from '../i18n'
import type { EventsState, Queue } from '../protocol'
import { Empty, Panel } from './bits'

const LONG_WAIT_MS = 120_000

export function QueuesTable({ e }: { e: EventsState }) {
  const t = useT()
  const queues = [...e.queues.values()].sort((a, b) => b.waiting - a.waiting || a.name.localeCompare(b.name))
  return (
    <Panel title={t('monitor.queues')} flush>
      {queues.length === 0
        ? <div className="body"><Empty>{t(e.known ? 'monitor.noQueues' : 'app.loading')}</Empty></div>
        : <div className="scroll" tabIndex={0} role="group" aria-label={t('monitor.queues')}><table className="table">
          <thead><tr>
            <th scope="col">{t('monitor.queue')}</th>
            <th scope="col" className="r">{t('monitor.waiting')}</th>
            <th scope="col" className="r">{t('monitor.longest')}</th>
            <th scope="col" className="r">{t('monitor.answered')}</th>
            <th scope="col" className="r">{t('monitor.abandoned')}</th>
            <th scope="col" className="r">{t('monitor.level')}</th>
            <th scope="col" className="r">{t('monitor.agentsCol')}</th>
          </tr></thead>
          <tbody>{queues.map((q) => <Row key={q.name} q={q} e={e} />)}</tbody>
        </table></div>}
    </Panel>
  )
}

function Row({ q, e }: { q: Queue; e: EventsState }) {
  const t = useT()
  const now = useNow()
  const longest = longestOf(q, e, now)
  const bad = longest > LONG_WAIT_MS
  return (
    <tr data-testid={`queue-${q.name}`}>
      <th scope="row" className="name">{q.name}</th>
      <td className="r"><strong>{q.waiting}</strong></td>
      <td className={bad ? 'r tone-bad' : 'r'}>
        {q.waiting > 0 ? <span className="state">{bad && <IconAlertTriangle size={14} aria-label={t('monitor.longWait')} />}{clock(longest)}</span> : '–'}
      </td>
      <td className="r">{q.answered}</td>
      <td className="r">{q.abandoned}{q.entered > 0 && <span className="quiet"> · {Math.round((100 * q.abandoned) / q.entered)} %</span>}</td>
      <Level q={q} />
      <td className="r">
        {q.waiting > 0 && q.ready === 0 && <span className="state tone-warn"><IconAlertTriangle size={14} aria-hidden="true" />{t('monitor.noneReady')}</span>}
        <span className="num agents-num">{q.ready} / {q.talking} / {q.staffed}</span>
      </td>
    </tr>
  )
}

/** The share that a queue promises to answer in time; below it is a warning. */
const PROMISE = 80

function Level({ q }: { q: Queue }) {
  const t = useT()
  const all = q.answered + q.abandoned
  const share = Math.round((100 * q.in_time) / all)
  const hint = t('monitor.levelHint', { s: String(q.target_ms / 1_000) })
  if (all === 0) return <td className="r" title={hint}>–</td>
  return (
    <td className={share < PROMISE ? 'r tone-warn' : 'r'} title={hint}>
      <span className="state">{share < PROMISE && <IconAlertTriangle size={14} aria-label={t('monitor.belowLevel')} />}{share} %</span>
    </td>
  )
}

// The server's figure stands still between two events; whom we see waiting does not.
function longestOf(q: Queue, e: EventsState, now: number): number {
  const seen = [...e.calls.values()].filter((c) => c.queue === q.name && c.waiting_since && (c.state === 'waiting' || c.state === 'ringing'))
  return seen.length ? Math.max(...seen.map((c) => since(c.waiting_since, now))) : q.longest_ms
}
