import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { phone, useEvents, usePhone } from '../app/clients'
import { useT } from '../i18n'
import { AgentsTable } from '../parts/AgentsTable'
import { Banner } from '../parts/bits'
import { LiveCalls } from '../parts/LiveCalls'
import { heardBy } from '../parts/ModeControl'
import { MonitorPanel } from '../parts/MonitorPanel'
import { QueuesTable } from '../parts/QueuesTable'
import { Shell } from '../parts/Shell'
import type { LiveCall, Me } from '../protocol'

export function Monitor({ me }: { me: Me }) {
  const t = useT()
  const e = useEvents()
  const p = usePhone()
  useEffect(() => void phone.start(), [])
  const [open, setOpen] = useState<LiveCall | null>(null)
  const live = open ? e.calls.get(open.id) : undefined
  // What is shown of a call that is over is what it was last.
  useEffect(() => {
    if (live) setOpen(live)
  }, [live])
  const joined = p.role === 'supervisor' && p.state === 'talking' && p.callId ? e.calls.get(p.callId) : undefined
  const stale = e.status === 'stale' || e.status === 'lost'
  return (
    <Shell me={me} title={t('monitor.title')} banner={<>
      {stale && <Banner tone="bad" testid="stale">{t('monitor.stale')}</Banner>}
      {joined && joined.id !== open?.id && <Joined call={joined} me={me} show={() => setOpen(joined)} />}
      {p.soundBlocked && <Banner tone="warn">{t('sound.blocked')}<Button variant="default" onClick={() => phone.unblock()}>{t('sound.unblock')}</Button></Banner>}
    </>}>
      <div className={open ? 'monitor with-call' : 'monitor'}>
        <div className="stack monitor-tables">
          <QueuesTable e={e} />
          <LiveCalls e={e} me={me} open={open?.id ?? null} pick={setOpen} />
          <AgentsTable e={e} me={me} />
        </div>
        {open && <MonitorPanel key={open.id} call={live ?? open} over={e.known && !live} p={p} me={me} close={() => setOpen(null)} />}
      </div>
    </Shell>
  )
}

/** A call that one is in and does not look at must not be forgotten: one may be heard there. */
function Joined({ call, me, show }: { call: LiveCall; me: Me; show: () => void }) {
  const t = useT()
  const mode = call.monitors?.find((m) => m.who === me.name)?.mode
  return (
    <Banner tone="warn" testid="joined">
      {t('monitor.inOther', { from: call.from })} {t(mode ? heardBy[mode] : 'monitor.unsure')}
      <Button variant="default" onClick={show}>{t('monitor.show')}</Button>
    </Banner>
  )
}
