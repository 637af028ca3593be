import { IconCircleCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { api } from '../app/clients'
import { useKeys } from '../app/keys'
import { clock, useNow } from '../app/time'
import { useT } from '../i18n'
import type { Agent } from '../protocol'
import { KeyButton, Panel, whyOf } from './bits'
import { NotesForm, useNotes } from './Notes'

export interface LastCall {
  id: string
  from: string
  queue?: string | undefined
}

/** After the call: what it was, and ready again by one key. */
export function WrapUp({ agent, last }: { agent: Agent; last: LastCall | null }) {
  const t = useT()
  return (
    <Panel title={t('wrap.title')} side={<Left agent={agent} />}>
      <div data-testid="wrapup" className="stack">
        {last && <p className="row"><span className="quiet">{t('wrap.after')}</span><strong className="num">{last.from}</strong><span>{last.queue}</span></p>}
        {last ? <WithNotes key={last.id} agent={agent} id={last.id} /> : <Done agent={agent} before={async () => {}} />}
      </div>
    </Panel>
  )
}

function WithNotes({ agent, id }: { agent: Agent; id: string }) {
  const n = useNotes(id)
  return <><NotesForm n={n} /><Done agent={agent} before={n.save} /></>
}

function Done({ agent, before }: { agent: Agent; before: () => Promise<void> }) {
  const t = useT()
  const [error, setError] = useState('')
  const done = () => {
    setError('')
    before().then(() => api.setState(agent.name, 'ready')).catch((e: unknown) => setError(whyOf(e)))
  }
  useKeys({ r: done })
  return (
    <>
      <KeyButton hotkey="r" size="sm" data-testid="wrapup-done" onClick={done} leftSection={<IconCircleCheck size={16} />}>{t('wrap.done')}</KeyButton>
      {error && <p className="tone-bad" role="alert">{error}</p>}
    </>
  )
}

function Left({ agent }: { agent: Agent }) {
  const t = useT()
  const now = useNow()
  if (!agent.until) return null
  return <span className="num quiet" role="timer">{t('wrap.left', { time: clock(Date.parse(agent.until) - now) })}</span>
}
