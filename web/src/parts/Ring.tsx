import { Button } from '@mantine/core'
import { IconPhone, IconPhoneOff } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { phone, useEvents, usePhone } from '../app/clients'
import { isTyping } from '../app/keys'
import { startRinging } from '../app/ringing'
import { navigate } from '../app/router'
import { useNow } from '../app/time'
import { useT, wordFor, type Key as Word } from '../i18n'
import type { LiveCall, Me, PhoneSnapshot } from '../protocol'
import { Key } from './bits'
import { PathLine } from './PathList'
import { Why } from './Why'

const microphones: Record<NonNullable<PhoneSnapshot['microphoneError']>, Word> = {
  denied: 'sound.micDenied', missing: 'sound.micMissing', insecure: 'sound.micInsecure', busy: 'sound.micBusy',
}

/** The ring, on whatever page the agent is. */
export function Ring({ me }: { me: Me }) {
  const p = usePhone()
  const call = useEvents().calls.get(p.callId ?? '')
  const rings = p.state === 'ringing' && p.role === 'agent' && p.direction === 'in' && !p.auto
  useControls(rings, p.state === 'talking')
  if (!rings) return null
  return <RingDialog key={p.callId} p={p} call={call} me={me} />
}

/** Who answers on another page goes to where the call's controls are. */
function useControls(rings: boolean, talking: boolean): void {
  const rang = useRef(false)
  useEffect(() => {
    if (rings) rang.current = true
    else if (talking && rang.current && location.pathname !== '/agent') navigate('/agent')
    if (!rings) rang.current = false
  }, [rings, talking])
}

function RingDialog({ p, call, me }: { p: PhoneSnapshot; call: LiveCall | undefined; me: Me }) {
  const t = useT()
  const answer = useRef<HTMLButtonElement>(null)
  const box = useRef<HTMLDivElement>(null)
  const typing = useTyping()
  useRingTone(!p.answering)
  useAnswerKeys(box)
  useTitle(`☎ ${call?.from ?? ''} – ${t('ring.title')}`)
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    // Who is typing keeps the field: the ring waits beside it.
    if (!isTyping(before)) answer.current?.focus()
    return () => {
      if (box.current?.contains(document.activeElement) || document.activeElement === document.body) before?.focus?.()
    }
  }, [])
  return (
    <div className="ring" role="alertdialog" aria-labelledby="ring-title" aria-describedby="ring-what" data-testid="ring" data-call={p.callId} ref={box}>
      <h2 id="ring-title" className="row"><IconPhone size={16} aria-hidden="true" /><span className="grow">{t('ring.title')}</span><Left call={call} me={me} /></h2>
      <div id="ring-what" className="stack">
        <p className="ring-number">{call?.from ?? '…'}</p>
        {call && <p className="row"><strong>{call.queue}</strong>{call.language && <span>{wordFor(t, 'lang', call.language)}</span>}<PathLine steps={call.path} /></p>}
        <Why score={call?.priority} />
      </div>
      {p.microphoneError && <p className="tone-bad" role="alert">{t(microphones[p.microphoneError])}</p>}
      <div className="ring-actions">
        <Button size="md" color="#237032" ref={answer} loading={p.answering} data-testid="ring-answer" leftSection={<IconPhone size={18} />} rightSection={<Key>Enter</Key>} onClick={() => void phone.answer()}>{t('ring.answer')}</Button>
        <Button size="md" variant="default" data-testid="ring-decline" leftSection={<IconPhoneOff size={18} />} rightSection={<Key>Esc</Key>} onClick={() => phone.decline()}>{t('ring.decline')}</Button>
      </div>
      <p className="quiet small" role="status">{typing ? t('ring.typing') : p.answering ? t('ring.answering') : ''}</p>
    </div>
  )
}

function Left({ call, me }: { call: LiveCall | undefined; me: Me }) {
  const t = useT()
  const now = useNow(250)
  if (!call?.offer || call.offer.agent !== me.name) return null
  const n = Math.max(0, Math.ceil((Date.parse(call.offer.deadline) - now) / 1000))
  return <span className="num" role="timer">{t('ring.left', { n })}</span>
}

/** A tab in the background shows that it rings. */
function useTitle(title: string): void {
  useEffect(() => {
    const before = document.title
    document.title = title
    return () => { document.title = before }
  }, [title])
}

function useRingTone(on: boolean): void {
  useEffect(() => (on ? startRinging() : undefined), [on])
}

function useTyping(): boolean {
  const [typing, set] = useState(() => isTyping(document.activeElement))
  useEffect(() => {
    const look = () => set(isTyping(document.activeElement))
    addEventListener('focusin', look)
    addEventListener('focusout', look)
    return () => {
      removeEventListener('focusin', look)
      removeEventListener('focusout', look)
    }
  }, [])
  return typing
}

// Enter and Esc are no single letters: they work with the keys switched off, too. In the dialog Enter presses the
// button that has the focus.
function useAnswerKeys(box: React.RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (isTyping(e.target) || e.repeat || e.ctrlKey || e.metaKey || e.altKey) return
      if (e.key === 'Escape') phone.decline()
      else if (e.key === 'Enter' && !box.current?.contains(e.target as Node)) void phone.answer()
      else return
      e.preventDefault()
      e.stopPropagation()
    }
    addEventListener('keydown', press, true)
    return () => removeEventListener('keydown', press, true)
  }, [box])
}
