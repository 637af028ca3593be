import { Button, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { api, useEvents } from '../app/clients'
import { useT } from '../i18n'
import type { LiveCall, Queue } from '../protocol'
import { whyOf } from './bits'

/** Gives the call to a queue or a number, blind. */
export function Transfer({ call }: { call: LiveCall }) {
  const t = useT()
  const e = useEvents()
  const queues = (e.me?.queues ?? []).filter((name) => name !== call.queue)
  const [number, setNumber] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const go = (to: { queue: string } | { number: string }) => {
    setBusy(true)
    setError('')
    api.transfer(call.id, to).catch((e: unknown) => setError(t('desk.failed', { why: whyOf(e) }))).finally(() => setBusy(false))
  }
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (number.trim()) go({ number: number.trim() })
  }
  return (
    <div className="stack inset" role="group" aria-label={t('desk.transfer')}>
      <div className="stack-s">
        <span className="quiet">{t('desk.transferQueue')}</span>
        <div className="row">
          {queues.length === 0 && <span className="quiet">{t('desk.transferNone')}</span>}
          {queues.map((name) => (
            <Button key={name} variant="default" disabled={busy} data-testid={`transfer-queue-${name}`} onClick={() => go({ queue: name })}
              rightSection={<Ready q={e.queues.get(name)} />}>{name}</Button>
          ))}
        </div>
      </div>
      <form className="row align-end" onSubmit={submit}>
        <TextInput className="grow" label={t('desk.transferNumber')} type="tel" placeholder="+8610…" data-testid="transfer-number" value={number} onChange={(e) => setNumber(e.currentTarget.value)} />
        <Button type="submit" disabled={!number.trim()} loading={busy} data-testid="transfer-number-go">{t('desk.transferGo')}</Button>
      </form>
      {error ? <p className="tone-bad" role="alert">{error}</p> : <p className="quiet small">{t('desk.transferBlind')}</p>}
    </div>
  )
}

/** Who is there, of a queue that one may look into. */
function Ready({ q }: { q: Queue | undefined }) {
  return q ? <span className="quiet num">{q.ready}/{q.staffed}</span> : null
}
