import { Button } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconVolume, IconVolumeOff } from '@tabler/icons-react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { api, may } from '../app/clients'
import { canTell } from '../app/feelings'
import { useKeys } from '../app/keys'
import { decode, hasSound, Player, type Sound } from '../app/player'
import type { Store } from '../app/store'
import { useGlimpse, usePoints } from '../app/talk'
import { clock } from '../app/time'
import { useT, wordFor, type Key as Word } from '../i18n'
import { isProblem, type CallRecord, type Me, type Track } from '../protocol'
import { Empty, Key, whyOf } from './bits'
import { EmotionTrack } from './EmotionLine'
import { Waveform } from './Waveform'

const tracks: Track[] = ['caller', 'agent', 'prompts', 'supervisor']

const untold: Partial<Record<CallRecord['recording']['state'], Word>> = {
  none: 'calls.noRecording', live: 'calls.notYet', damaged: 'calls.damaged',
}

interface Props {
  call: CallRecord
  me: Me
  /** Gets the function that goes to a place, in milliseconds, when there is sound. */
  ready: (seek: ((ms: number) => void) | null) => void
  /** Is told where the sound is, in milliseconds. */
  position: Store<number>
}

export function Recording({ call, me, ready, position }: Props) {
  const t = useT()
  const why = mayHear(me, call) ? untold[call.recording.state] : 'calls.noRight'
  if (why) return <Empty>{t(why)}</Empty>
  return <Loader call={call} ready={ready} position={position} />
}

/** Whether somebody may hear a call, and so read it. */
export const mayHear = (me: Me, call: CallRecord): boolean =>
  may(me, 'recordings.play') && (me.rights['recordings.play'] !== 'own' || call.agent === me.name)

type Loaded = { player: Player; sounds: Sound[] }

function Loader({ call, ready, position }: Omit<Props, 'me'>) {
  const t = useT()
  const [loaded, setLoaded] = useState<Loaded | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const load = () => {
    setBusy(true)
    setError('')
    fetchTracks(call.id).then((sounds) => {
      const player = new Player(sounds)
      setLoaded({ player, sounds })
      void player.play()
    }).catch((e: unknown) => setError(whyOf(e))).finally(() => setBusy(false))
  }
  useEffect(() => () => loaded?.player.close(), [loaded])
  useKeys({ ' ': !loaded && !busy && load })
  if (loaded) return <Tracks call={call} {...loaded} ready={ready} position={position} />
  return (
    <div className="stack">
      <div className="row">
        <Button data-testid="play" loading={busy} leftSection={<IconPlayerPlay size={16} />} rightSection={<Key>␣</Key>} onClick={load}>{t(busy ? 'calls.loading' : 'calls.play')}</Button>
        <span className="num quiet">{clock(call.recording.duration_ms ?? 0)}</span>
        <span className="quiet">{t('calls.loadHint')}</span>
      </div>
      {error && <p className="tone-bad" role="alert">{t('calls.soundFail', { why: error })}</p>}
    </div>
  )
}

/** Every track that has sound; one that was never there, or is all silence, is left out. */
async function fetchTracks(id: string): Promise<Sound[]> {
  const all = await Promise.all(tracks.map(async (track): Promise<Sound | null> => {
    try {
      const buffer = await decode(await api.recording(id, track))
      return track === 'caller' || hasSound(buffer) ? { track, buffer } : null
    } catch (e) {
      if (isProblem(e) && (e.status === 404 || e.status === 400)) return null
      throw e
    }
  }))
  const sounds = all.filter((s) => s !== null)
  if (sounds.length === 0) throw new Error('–')
  return sounds
}

function Tracks({ call, player, sounds, ready, position }: Loaded & Omit<Props, 'me'>) {
  const t = useT()
  const [off, setOff] = useState<ReadonlySet<Track>>(new Set())
  const [at, setAt] = useState(0)
  const [playing, setPlaying] = useState(player.playing)
  useEffect(() => position.set(1000 * at), [position, at])
  const seek = useCallback((s: number) => { player.seek(s); setAt(player.position()) }, [player])
  const toggle = () => (player.playing ? player.pause() : void player.play())
  useEffect(() => {
    player.onchange = () => { setPlaying(player.playing); setAt(player.position()) }
    setPlaying(player.playing)
    const timer = setInterval(() => player.playing && setAt(player.position()), 100)
    return () => clearInterval(timer)
  }, [player])
  useEffect(() => {
    ready((ms) => seek(ms / 1000))
    return () => ready(null)
  }, [ready, seek])
  useKeys({ ' ': toggle, arrowleft: () => seek(player.position() - 5), arrowright: () => seek(player.position() + 5) })
  const silence = (track: Track) => {
    const next = new Set(off)
    if (!next.delete(track)) next.add(track)
    player.setOn(track, !next.has(track))
    setOff(next)
  }
  return (
    <div className="stack">
      <div className="row">
        <Button data-testid="play" aria-pressed={playing} leftSection={playing ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />} rightSection={<Key>␣</Key>} onClick={toggle}>{t(playing ? 'calls.pause' : 'calls.play')}</Button>
        <span className="num" data-testid="position">{clock(at * 1000)} / {clock(player.duration * 1000)}</span>
      </div>
      <div className="tracks">
        <span />
        <Timeline call={call} seconds={player.duration} at={at} seek={seek} />
        {sounds.map((s) => (
          <TrackRow key={s.track} sound={s} off={off.has(s.track)} silence={() => silence(s.track)} seconds={player.duration} seek={seek} at={at} />
        ))}
        <Feelings id={call.id} seconds={player.duration} at={at} />
      </div>
    </div>
  )
}

interface RowProps { sound: Sound; off: boolean; silence: () => void; seconds: number; seek: (s: number) => void; at: number }

function TrackRow({ sound, off, silence, seconds, seek, at }: RowProps) {
  const t = useT()
  return (
    <>
      <Button variant="subtle" color="gray" justify="flex-start" px={4} aria-pressed={!off} data-testid={`track-${sound.track}`} onClick={silence}
        leftSection={off ? <IconVolumeOff size={16} /> : <IconVolume size={16} />}>{t(`track.${sound.track}`)}</Button>
      <div className={`wave-box ${sound.track}`}>
        <Waveform sound={sound} seconds={seconds} seek={seek} dim={off} />
        <Head at={at} seconds={seconds} />
      </div>
    </>
  )
}

function Feelings({ id, seconds, at }: { id: string; seconds: number; at: number }) {
  const t = useT()
  const { segments } = useGlimpse(id)
  const points = usePoints(segments)
  if (!canTell(points)) return null
  return (
    <>
      <span className="quiet small" title={t('feeling.hint')}>{t('feeling.line')}: {t('feeling.hintShort')}</span>
      <div className="wave-box feeling"><EmotionTrack points={points} seconds={seconds} /><Head at={at} seconds={seconds} /></div>
    </>
  )
}

function Head({ at, seconds }: { at: number; seconds: number }) {
  return <div className="playhead" style={{ left: `${(100 * at) / (seconds || 1)}%` }} />
}

/** The slider: marks for the steps of the flow, and the gaps where nothing was kept. */
function Timeline({ call, seconds, at, seek }: { call: CallRecord; seconds: number; at: number; seek: (s: number) => void }) {
  const t = useT()
  const bar = useRef<HTMLDivElement>(null)
  const place = (ms: number) => `${Math.min(100, ms / 10 / (seconds || 1))}%`
  const click = (e: React.MouseEvent) => {
    const r = bar.current?.getBoundingClientRect()
    if (r) seek(((e.clientX - r.left) / r.width) * seconds)
  }
  const keys: Record<string, number> = { ArrowLeft: at - 5, ArrowRight: at + 5, ArrowDown: at - 5, ArrowUp: at + 5, PageDown: at - 30, PageUp: at + 30, Home: 0, End: seconds }
  const press = (e: React.KeyboardEvent) => {
    const to = keys[e.key]
    if (to === undefined) return
    e.preventDefault()
    e.stopPropagation()
    seek(to)
  }
  return (
    <div ref={bar} className="timebar" role="slider" tabIndex={0} aria-label={t('calls.seek')} aria-valuemin={0} aria-valuemax={Math.round(seconds)} aria-valuenow={Math.round(at)} aria-valuetext={clock(at * 1000)} onClick={click} onKeyDown={press}>
      {call.recording.gaps?.map((g, i) => (
        <span key={i} className="gap" title={t('calls.gap', { cause: wordFor(t, 'gap', g.cause) })} style={{ left: place(g.from_ms), width: place(g.to_ms - g.from_ms) }} />
      ))}
      {call.path?.map((s, i) => <span key={i} className="step" title={`${clock(s.at_ms)} ${s.node}`} style={{ left: place(s.at_ms) }} />)}
      <Head at={at} seconds={seconds} />
    </div>
  )
}
