import { useMemo } from 'react'
import { pointsOf, toldOf } from '../app/feelings'
import { useGlimpse } from '../app/talk'
import { latestLine } from '../app/words'
import { useT, wordFor } from '../i18n'
import type { LiveCall, Me } from '../protocol'
import { SmallEmotionLine } from './EmotionLine'
import { moods } from './Feeling'
import { speakerOf } from './TranscriptLine'

/** Of a live call in a list: what is wanted, how it feels, what was said last. Opening the call tells all. */
export function RowWords({ c, me }: { c: LiveCall; me: Me }) {
  const t = useT()
  const { segments } = useGlimpse(c.id)
  const points = useMemo(() => pointsOf(segments), [segments])
  const last = latestLine(segments)
  const told = toldOf(c.emotion)
  const [Mood, tone] = told ? (moods[told] ?? moods.surprise) : []
  return (
    <div className="row-words">
      <SmallEmotionLine points={points} />
      {Mood && <span className={`state tone-${tone}`} title={t('feeling.hint')}><Mood size={14} aria-hidden="true" />{wordFor(t, 'feeling', told)}</span>}
      {c.intent && <strong className="num" title={t('talk.intentHint')}>{wordFor(t, 'intent', c.intent)}</strong>}
      {last
        ? <span className={last.final ? 'cut last-words' : 'cut last-words quiet'} title={last.text} lang={last.language}><span className="quiet">{speakerOf(t, last, me.name)}</span> {last.text}</span>
        : !told && !c.intent && points.length === 0 && <span className="quiet">–</span>}
    </div>
  )
}
