import { ActionIcon } from '@mantine/core'
import { IconCircleCheck, IconX } from '@tabler/icons-react'
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
  /** When it was there last, by our clock. */
  seen: number
}

interface Props {
  agent: Agent | undefined
  last: LastCall | null
  close: () => void
}

/** After the call: what it was, and ready again by one key. What is not written by then can be written later. */
export function WrapUp({ agent, last, close }: Props) {
  const t = useT()
  const n = useNotes(last?.id ?? null)
  const wraps = agent?.state === 'wrap-up'
  const side = wraps
    ? <Left agent={agent} />
    : <ActionIcon size="sm" aria-label={t('app.close')} onClick={() => { void n.save(); close() }}><IconX size={16} /></ActionIcon>
  return (
    <Panel title={t(wraps ? 'wrap.title' : 'wrap.after')} side={side}>
      <div data-testid={wraps ? 'wrapup' : 'last-call'} className="stack">
        {last && <p className="row"><strong className="num">{last.from}</strong><span>{last.queue}</span></p>}
        {last && <NotesForm n={n} />}
        {wraps && <Done agent={agent} before={n.save} then={close} />}
      </div>
    </Panel>
  )
}

function Done({ agent, before, then }: { agent: Agent; before: () => Promise<void>; then: () => void }) {
  const t = useT()
  const [error, setError] = useState('')
  const done = () => {
    setError('')
    before().then(() => api.setState(agent.name, 'ready')).then(then, (e: unknown) => setError(whyOf(e)))
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
