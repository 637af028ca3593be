import { Button, TextInput } from '@mantine/core'
import { IconPhone, IconPhoneOff } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { demoNumber, demoPhone, expose, site, usePhone } from '../app/clients'
import { useKeys } from '../app/keys'
import { useStore } from '../app/store'
import { clock } from '../app/time'
import { useT, type T } from '../i18n'
import { Banner, Empty, KeyButton, Panel } from '../parts/bits'
import { Keypad } from '../parts/Keypad'
import { LevelMeter } from '../parts/LevelMeter'
import { Shell } from '../parts/Shell'
import type { PhoneSnapshot } from '../protocol'

/** A caller who is nobody, in the demo. */
export function DemoPhone() {
  const t = useT()
  const s = useStore(site)
  const p = usePhone(demoPhone)
  useEffect(() => expose(demoPhone), [])
  const demo = s?.mode === 'demo'
  const [number, setNumber] = useState(demoNumber.get)
  const [calling, setCalling] = useState(false)
  useEffect(() => {
    if (demo) void demoPhone.start()
  }, [demo])
  const busy = p.state === 'ringing' || p.state === 'talking' || calling
  useKeys({ e: busy && demoPhone.hangup })
  if (s && !demo) return <Shell title={t('phone.title')}><Empty>{t('phone.notDemo')}</Empty></Shell>
  const call = (to: string) => {
    setCalling(true)
    callAs(number.trim(), to).catch(() => undefined).finally(() => setCalling(false))
  }
  return (
    <Shell banner={p.soundBlocked && <Banner tone="warn">{t('sound.blocked')}<Button variant="default" onClick={() => demoPhone.unblock()}>{t('sound.unblock')}</Button></Banner>}>
      <div className="phone stack">
        <h1>{t('phone.title')}</h1>
        <p className="quiet">{t('phone.hint')} <a className="linkish underlined" href="/agent" target="_blank" rel="noreferrer">{t('phone.openDesk')}</a></p>
        <Panel title={t('app.phone')} side={<Status p={p} />}>
          <div className="stack">
            <TextInput label={t('phone.number')} description={t('phone.numberHint')} type="tel" data-testid="phone-number" disabled={busy} value={number} onChange={(e) => setNumber(e.currentTarget.value)} />
            <Numbers numbers={s?.numbers ?? []} disabled={busy || p.state !== 'ready' || !number.trim()} known={s !== null} call={call} />
            {busy && <KeyButton hotkey="e" size="md" color="red.9" data-testid="phone-hangup" leftSection={<IconPhoneOff size={16} />} onClick={demoPhone.hangup}>{t('phone.hangup')}</KeyButton>}
            {p.silentMic && <p className="tone-warn">{t('desk.silentMic')}</p>}
            <div className="levels">
              <span className="quiet">{t('sound.heard')}</span><LevelMeter stream={p.remoteStream} label={t('sound.heard')} />
              <span className="quiet">{t('sound.sent')}</span><LevelMeter stream={p.localStream} label={t('sound.sent')} />
            </div>
            <Keypad testid="phone-key" disabled={p.state !== 'talking'} press={(k) => demoPhone.key(k)} />
          </div>
        </Panel>
      </div>
    </Shell>
  )
}

function Status({ p }: { p: PhoneSnapshot }) {
  const t = useT()
  return (
    <span className={p.state === 'talking' ? 'state tone-ok' : 'state quiet'} role="status" data-testid="phone-status" data-state={p.state}>
      {sentence(t, p)}{p.state === 'talking' && <Talk since={p.talkingSince} />}
    </span>
  )
}

function sentence(t: T, p: PhoneSnapshot): string {
  if (p.state === 'moved') return t('phone.ready')
  if (p.state !== 'ready' || !p.lastEnd) return t(`phone.${p.state}`)
  return p.lastEnd.cause === 'Terminated' || p.lastEnd.cause === 'Canceled' ? t('phone.ended') : t('phone.failed', { why: p.lastEnd.cause })
}

function Talk({ since }: { since: number }) {
  const [now, set] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return <span className="num" aria-hidden="true">{clock(now - since)}</span>
}

/** Another number is another caller: the phone registers anew before it calls. */
async function callAs(number: string, to: string): Promise<void> {
  if (number !== demoNumber.get()) {
    demoNumber.set(number)
    demoPhone.stop()
    await demoPhone.start()
    await demoPhone.whenRegistered()
  }
  await demoPhone.call(to)
}

function Numbers({ numbers, disabled, known, call }: { numbers: string[]; disabled: boolean; known: boolean; call: (n: string) => void }) {
  const t = useT()
  if (numbers.length === 0) return <p className="quiet">{t(known ? 'phone.noNumbers' : 'app.loading')}</p>
  return (
    <div className="numbers">
      {numbers.map((n) => (
        <Button key={n} size="lg" disabled={disabled} data-testid={`phone-call-${n}`} leftSection={<IconPhone size={18} />} onClick={() => call(n)}>{t('phone.callTo', { number: n })}</Button>
      ))}
    </div>
  )
}
