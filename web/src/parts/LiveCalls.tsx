import { useMediaQuery } from '@mantine/hooks'
import { IconAlertTriangle, IconAntennaBars2, IconEar } from '@tabler/icons-react'
import { clock, since, useNow } from '../app/time'
import { byUrgency, troubleOf } from '../app/urgency'
import { useT, type Key } from '../i18n'
import type { EventsState, LiveCall, Me } from '../protocol'
import { Empty, Panel } from './bits'
import { Escalating } from './Feeling'
import { RowWords } from './RowWords'
import { CallBadge } from './StateBadge'

const words: Record<'held' | 'waiting', Key> = { held: 'monitor.longHold', waiting: 'monitor.longWait' }

interface Props {
  e: EventsState
  me: Me
  open: string | null
  pick: (c: LiveCall) => void
}

export function LiveCalls({ e, me, open, pick }: Props) {
  const t = useT()
  const now = useNow()
  // Where there is no room beside the call, its words are below it.
  const narrow = useMediaQuery('(max-width: 1000px)') ?? false
  const under = narrow || open !== null
  const calls = byUrgency(e.calls.values(), now)
  return (
    <Panel title={t('monitor.live')} side={<span className="num quiet">{calls.length}</span>} flush>
      {calls.length === 0
        ? <div className="body"><Empty>{t(e.known ? 'monitor.noCalls' : 'app.loading')}</Empty></div>
        : <div className="scroll" tabIndex={0} role="group" aria-label={t('monitor.live')}><table className="table">
          <thead><tr>
            <th scope="col">{t('monitor.caller')}</th>
            <th scope="col">{t('monitor.queue')}</th>
            <th scope="col">{t('monitor.agent')}</th>
            <th scope="col">{t('monitor.state')}</th>
            <th scope="col" className="r">{t('monitor.time')}</th>
            <th scope="col" className="r">{t('monitor.inCall')}</th>
            {!under && <th scope="col" className="words-col">{t('talk.words')}</th>}
          </tr></thead>
          <tbody>{calls.map((c) => <Row key={c.id} c={c} me={me} now={now} under={under} open={open === c.id} pick={pick} />)}</tbody>
        </table></div>}
    </Panel>
  )
}

function Row({ c, me, now, under, open, pick }: { c: LiveCall; me: Me; now: number; under: boolean; open: boolean; pick: (c: LiveCall) => void }) {
  const t = useT()
  const trouble = troubleOf(c, now)
  return (
    <>
      <tr className={open ? 'link open' : 'link'} data-testid={`live-call-${c.id}`} onClick={() => pick(c)}>
        <td><button type="button" className="linkish num" aria-expanded={open} onClick={(ev) => { ev.stopPropagation(); pick(c) }}>{c.from}</button></td>
        <td>{c.queue ?? <span className="quiet">{c.to}</span>}{c.position !== undefined && c.position > 0 && c.state === 'waiting' && <span className="quiet"> · {t('monitor.position', { n: c.position })}</span>}</td>
        <td>
          {c.agent ?? c.offer?.agent ?? <span className="quiet">–</span>}
          {c.monitors?.length ? <span className="state tone-busy monitors" title={t('monitor.monitors')}><IconEar size={14} aria-label={t('monitor.monitors')} />{c.monitors.map((m) => m.who).join(', ')}</span> : null}
        </td>
        <td><CallBadge state={c.state} />{trouble === 'anger' && <Escalating size={14} />}{(trouble === 'held' || trouble === 'waiting') && <span className="state tone-bad"><IconAlertTriangle size={14} aria-hidden="true" />{t(words[trouble])}</span>}{c.lines?.some((l) => l.grade === 'poor') && <span className="state tone-bad"><IconAntennaBars2 size={14} aria-hidden="true" />{t('line.poor')}</span>}</td>
        <td className="r">{clock(since(c.state === 'waiting' ? (c.waiting_since ?? c.since) : c.since, now))}</td>
        <td className="r quiet">{clock(since(c.started_at, now))}</td>
        {!under && <td className="words-col"><RowWords c={c} me={me} /></td>}
      </tr>
      {under && <RowWords c={c} me={me} under={open ? 'link open' : 'link'} pick={pick} />}
    </>
  )
}
