import { canTell, toldOf } from '../app/feelings'
import { useGlimpse, usePoints } from '../app/talk'
import { latestLine } from '../app/words'
import { useT, wordFor } from '../i18n'
import type { LiveCall, Me } from '../protocol'
import { SmallEmotionLine } from './EmotionLine'
import { moods } from './Feeling'
import { speakerOf } from './TranscriptLine'

/** The columns of the list, without that of the words. */
const COLUMNS = 6

interface Props {
  c: LiveCall
  me: Me
  /** Classes of the row that this is to be, below the call's; without it what goes into a cell. */
  under?: string
  pick?: (c: LiveCall) => void
}

/** Of a live call in a list: what is wanted, how it feels, what was said last. Opening the call tells all. */
export function RowWords({ c, me, under, pick }: Props) {
  const t = useT()
  const { segments } = useGlimpse(c.id)
  const points = usePoints(segments)
  const last = latestLine(segments)
  const told = toldOf(c.emotion)
  const [Mood, tone] = told ? (moods[told] ?? moods.surprise) : []
  const nothing = !last && !told && !c.intent && !canTell(points)
  if (nothing) return under ? null : <span className="quiet">–</span>
  const words = (
    <div className="row-words" data-testid={`row-words-${c.id}`}>
      <SmallEmotionLine points={points} />
      {Mood && <span className={`state tone-${tone}`} title={t('feeling.hint')}><Mood size={14} aria-hidden="true" />{t('feeling.perhaps', { feeling: wordFor(t, 'feeling', told) })}</span>}
      {c.intent && <strong className="num" title={t('talk.intentHint')}>{wordFor(t, 'intent', c.intent)}</strong>}
      {last && <span className={last.final ? 'cut last-words' : 'cut last-words quiet'} title={last.text} lang={last.language}><span className="quiet">{speakerOf(t, last, me.name)}</span> {last.text}</span>}
    </div>
  )
  return under ? <tr className={`${under} words-row`} onClick={() => pick?.(c)}><td colSpan={COLUMNS}>{words}</td></tr> : words
}
