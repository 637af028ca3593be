import { useEffect, useState } from 'react'
import { phone, useEvents, usePhone } from '../app/clients'
import { useT } from '../i18n'
import { AgentsTable } from '../parts/AgentsTable'
import { Banner } from '../parts/bits'
import { LiveCalls } from '../parts/LiveCalls'
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
  const stale = e.status === 'stale' || e.status === 'lost'
  return (
    <Shell me={me} title={t('monitor.title')} banner={stale && <Banner tone="bad" testid="stale">{t('monitor.stale')}</Banner>}>
      <div className={open ? 'monitor with-call' : 'monitor'}>
        <div className="stack monitor-tables">
          <QueuesTable e={e} />
          <LiveCalls e={e} open={open?.id ?? null} pick={setOpen} />
          <AgentsTable e={e} me={me} />
        </div>
        {open && <MonitorPanel key={open.id} call={live ?? open} over={e.known && !live} p={p} me={me} close={() => setOpen(null)} />}
      </div>
    </Shell>
  )
}
