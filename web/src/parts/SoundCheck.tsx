import { Button, Select } from '@mantine/core'
import { IconCircleCheck, IconCircleX, IconPlugConnected } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { microphone, raw, ringer, speaker, usePhone } from '../app/clients'
import { ringOnce } from '../app/ringing'
import { useStore, type Store } from '../app/store'
import { useT, type Key } from '../i18n'
import { MicrophoneError, openMicrophone } from '../protocol'
import { LevelMeter } from './LevelMeter'

const problems: Record<MicrophoneError['reason'], Key> = {
  denied: 'sound.micDenied', missing: 'sound.micMissing', insecure: 'sound.micInsecure', busy: 'sound.micBusy',
}

const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype

/** The phone, the microphone and the speakers: what works, which one, and a test of each. */
export function SoundCheck() {
  const t = useT()
  const p = usePhone()
  const { devices, refresh } = useDevices()
  const test = useMicTest(refresh)
  const of = (kind: MediaDeviceKind) => devices.filter((d) => d.kind === kind && d.deviceId && d.deviceId !== 'default')
  return (
    <div className="stack-s sound-check">
      <Line ok={p.registered} icon={<IconPlugConnected size={16} aria-hidden="true" />}>{t(p.registered ? 'sound.registered' : 'sound.notRegistered')}</Line>
      {test.problem
        ? <Line ok={false}>{t(problems[test.problem])}</Line>
        : <Line ok={test.allowed}>{t(test.allowed ? 'sound.micOK' : 'sound.micAsk')}</Line>}
      <Choice label={t('sound.mic')} store={microphone} devices={of('audioinput')} />
      {canChooseSpeaker && <>
        <Choice label={t('sound.speaker')} store={speaker} devices={of('audiooutput')} />
        <Choice label={t('sound.ringer')} store={ringer} devices={of('audiooutput')} />
      </>}
      <div className="row sound-tests">
        <Button variant="default" onClick={ringOnce} data-testid="test-ring">{t('sound.testRing')}</Button>
        <Button variant="default" onClick={test.toggle} data-testid="test-mic">
          {t(test.stream ? 'sound.stopTest' : test.allowed ? 'sound.testMic' : 'sound.allow')}
        </Button>
      </div>
      {test.stream && <><span className="quiet">{t('sound.speak')}</span><LevelMeter stream={test.stream} label={t('sound.level')} /></>}
    </div>
  )
}

function Line({ ok, icon, children }: { ok: boolean; icon?: React.ReactNode; children: string }) {
  return (
    <p className="sound-line">
      <span className={ok ? 'tone-ok' : 'tone-warn'}>{ok ? (icon ?? <IconCircleCheck size={16} aria-hidden="true" />) : <IconCircleX size={16} aria-hidden="true" />}</span>
      <span>{children}</span>
    </p>
  )
}

function Choice({ label, store, devices }: { label: string; store: Store<string>; devices: MediaDeviceInfo[] }) {
  const t = useT()
  const value = useStore(store)
  const data = [{ value: '', label: t('sound.default') }, ...devices.map((d) => ({ value: d.deviceId, label: d.label || d.deviceId.slice(0, 8) }))]
  return (
    <Select
      label={label} data={data} value={data.some((d) => d.value === value) ? value : ''} allowDeselect={false}
      comboboxProps={{ withinPortal: false }} onChange={(v) => store.set(v ?? '')}
    />
  )
}

function useDevices() {
  const [devices, set] = useState<MediaDeviceInfo[]>([])
  const refresh = useCallback(() => {
    navigator.mediaDevices?.enumerateDevices().then(set, () => set([]))
  }, [])
  useEffect(() => {
    refresh()
    navigator.mediaDevices?.addEventListener('devicechange', refresh)
    return () => navigator.mediaDevices?.removeEventListener('devicechange', refresh)
  }, [refresh])
  return { devices, refresh }
}

function useMicTest(refresh: () => void) {
  const [stream, setStream] = useState<MediaStream | null>(null)
  const [problem, setProblem] = useState<MicrophoneError['reason'] | null>(null)
  const [allowed, setAllowed] = useState(false)
  useEffect(() => {
    if (!navigator.mediaDevices) return setProblem('insecure')
    void permission().then((p) => {
      setAllowed(p === 'granted')
      if (p === 'denied') setProblem('denied')
    })
  }, [])
  useEffect(() => () => stream?.getTracks().forEach((x) => x.stop()), [stream])
  const toggle = () => {
    if (stream) return setStream(null)
    openMicrophone(microphone.get() || undefined, raw).then(
      (s) => { setStream(s); setProblem(null); setAllowed(true); refresh() },
      (e: unknown) => setProblem(e instanceof MicrophoneError ? e.reason : 'busy'),
    )
  }
  return { stream, problem, allowed, toggle }
}

async function permission(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: 'microphone' as PermissionName })).state
  } catch {
    return 'prompt'
  }
}
