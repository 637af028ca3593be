import { IconDialpad, IconListCheck, IconTag, IconTargetArrow } from '@tabler/icons-react'
import { memo, useSyncExternalStore, type MouseEvent } from 'react'
import { toldOf } from '../app/feelings'
import type { Store } from '../app/store'
import { clock } from '../app/time'
import { piecesOf, wordAt } from '../app/words'
import { useT, wordFor, type T } from '../i18n'
import type { Segment } from '../protocol'
import { FeelingMark } from './Feeling'

/** Who speaks, as the reader calls them. */
export function speakerOf(t: T, s: Segment, me: string): string {
  if (s.who && s.who === me) return t('talk.you')
  return s.who || wordFor(t, 'speaker', s.speaker)
}

interface LineProps {
  s: Segment
  me: string
  /** Being heard, in milliseconds of the recording. */
  position?: Store<number> | undefined
  active?: boolean
  onPick?: ((ms: number) => void) | undefined
}

/** One thing that was said or pressed. Of a long talk only the lines that changed are made anew. */
export const TranscriptLine = memo(function TranscriptLine({ s, me, position, active, onPick }: LineProps) {
  const t = useT()
  const pick = onPick && ((e: MouseEvent<HTMLElement>) => onPick(Number((e.target as HTMLElement).dataset.ms ?? s.start_ms)))
  return (
    <li className={`said ${s.speaker} ${s.kind}${s.final ? '' : ' interim'}`} data-testid={`line-${s.seq}`} data-final={s.final} aria-hidden={!s.final || undefined} aria-current={active || undefined}>
      {onPick
        ? <button type="button" className="linkish num" aria-label={t('talk.hear', { time: clock(s.start_ms) })} onClick={() => onPick(s.start_ms)}>{clock(s.start_ms)}</button>
        : <span className="num quiet">{clock(s.start_ms)}</span>}
      <span className="who cut">{speakerOf(t, s, me)}</span>
      <span className={onPick ? 'what pickable' : 'what'} lang={s.language} title={s.engine && t('talk.heardBy', { engine: s.engine })} onClick={pick}>
        <How s={s} />
        {active && position ? <MovingWords s={s} position={position} /> : <Words s={s} at={-1} />}
      </span>
      <Marks s={s} />
    </li>
  )
})

/** What was not said freely says so. */
function How({ s }: { s: Segment }) {
  const t = useT()
  if (s.kind === 'keys') return <span className="how" title={t('talk.keysHint')}><IconDialpad size={14} aria-hidden="true" />{t('talk.keys')} </span>
  if (s.kind === 'choice') return <span className="how" title={t('talk.choiceHint')}><IconListCheck size={14} aria-hidden="true" />{t('talk.choice')} </span>
  return null
}

function Words({ s, at }: { s: Segment; at: number }) {
  return <>{piecesOf(s.text, s.words).map((p, i) => p.word === undefined
    ? p.text
    : <span key={i} data-ms={s.words![p.word]!.start_ms} className={p.word === at ? 'word on' : 'word'}>{p.text}</span>)}</>
}

function MovingWords({ s, position }: { s: Segment; position: Store<number> }) {
  const at = useSyncExternalStore(position.subscribe, () => wordAt(s.words ?? [], position.get()))
  return <Words s={s} at={at} />
}

function Marks({ s }: { s: Segment }) {
  const t = useT()
  if (!s.intent?.name && !s.entities?.length && !toldOf(s.emotion)) return null
  return (
    <span className="marks small">
      {s.intent?.name && <span className="mark" title={t('talk.intentHint')}><IconTargetArrow size={14} aria-label={t('talk.intent')} />{wordFor(t, 'intent', s.intent.name)} <span className="quiet num">{Math.round(100 * s.intent.p)} %</span></span>}
      {s.entities?.map((e, i) => <span key={i} className="mark"><IconTag size={14} aria-hidden="true" /><span className="quiet">{wordFor(t, 'entity', e.kind)}</span> <span className="num">{e.value}</span></span>)}
      <FeelingMark emotion={s.emotion} words={s.kind === 'words'} />
    </span>
  )
}
