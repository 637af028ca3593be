import { ActionIcon } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { may } from '../app/clients'
import { Link } from '../app/router'
import { clock, since, useNow } from '../app/time'
import { useT, wordFor } from '../i18n'
import type { LiveCall, Me, PhoneSnapshot } from '../protocol'
import { Empty, Panel } from './bits'
import { Conversation, coverageOf } from './Conversation'
import { Escalating } from './Feeling'
import { LevelMeter } from './LevelMeter'
import { LiveLines, monitorNames } from './Lines'
import { ModeControl } from './ModeControl'
import { PathFold } from './PathList'
import { CallBadge } from './StateBadge'
import { Why } from './Why'

interface Props {
  call: LiveCall
  over: boolean
  p: PhoneSnapshot
  me: Me
  close: () => void
}

/** One live call, opened by a supervisor. */
export function MonitorPanel({ call, over, p, me, close }: Props) {
  const t = useT()
  const now = useNow()
  const joined = p.role === 'supervisor' && p.callId === call.id && p.state === 'talking'
  return (
    <Panel title={`${call.from} · ${call.queue ?? call.to}`} className="monitor-call"
      side={<ActionIcon aria-label={t('app.close')} onClick={close}><IconX size={16} /></ActionIcon>}>
      <div className="stack">
        {over
          ? <Empty next={<Link className="linkish" href={`/calls/${call.id}`}>{t('monitor.openRecord')}</Link>}>{t('monitor.gone')}</Empty>
          : <>
            <p className="row"><CallBadge state={call.state} /><span className="num">{clock(since(call.since, now))}</span><strong>{call.agent}</strong>{call.language && <span className="quiet">{wordFor(t, 'lang', call.language)}</span>}</p>
            {call.escalate && <p><Escalating /></p>}
            <LiveLines call={call} names={monitorNames} />
            {may(me, 'calls.monitor') ? <ModeControl call={call} p={p} me={me} /> : <Empty>{t('monitor.noRight')}</Empty>}
            {joined && <div className="levels">
              <span className="quiet">{t('sound.heard')}</span><LevelMeter stream={p.remoteStream} label={t('sound.heard')} />
              <span className="quiet">{t('sound.sent')}</span><LevelMeter stream={p.localStream} label={t('sound.sent')} />
            </div>}
          </>}
        <Conversation id={call.id} me={me} coverage={coverageOf(call)} live />
        <Why score={call.priority} />
        <PathFold steps={call.path} />
      </div>
    </Panel>
  )
}
