import { memo, useMemo } from 'react'
import { canTell, drawingOf, levelOf, moodOf, scaleOf, type Drawing, type Point } from '../app/feelings'
import { clock } from '../app/time'
import { useT, wordFor, type T } from '../i18n'
import { methodOf, moods } from './Feeling'

/** How excited the caller sounds over time, coloured by how pleasant: a hint, with its words for who cannot see it. */
export const EmotionLine = memo(function EmotionLine({ points }: { points: readonly Point[] }) {
  const t = useT()
  const to = scaleOf(points.at(-1)?.to ?? 0)
  const drawing = useMemo(() => drawingOf(points, 0, to), [points, to])
  const last = points.at(-1)
  if (!canTell(points)) return <p className="quiet small">{t('feeling.nothing')}</p>
  return (
    <figure className="feelings" data-testid="emotion-line">
      <figcaption className="row small quiet">
        <strong>{t('feeling.line')}</strong>
        <span>{t('feeling.hintShort')}</span>
        {last && <span className="method">{methodOf(t, last.emotion, points.some((p) => p.words))}</span>}
      </figcaption>
      <Picture drawing={drawing} label={describe(t, points, drawing)} marks />
      <div className="row small quiet num" aria-hidden="true"><span className="grow">00:00</span><span>{clock(to)}</span></div>
    </figure>
  )
})

/** The same below the waves of a recording, in their scale. */
export function EmotionTrack({ points, seconds }: { points: readonly Point[]; seconds: number }) {
  const t = useT()
  const drawing = useMemo(() => drawingOf(points, 0, 1000 * seconds), [points, seconds])
  return <Picture drawing={drawing} label={describe(t, points, drawing)} marks />
}

/** How much of a call the line of a row shows. */
const ROW_MS = 180_000

/** The same for a row of a list: the latest minutes, without marks. */
export const SmallEmotionLine = memo(function SmallEmotionLine({ points }: { points: readonly Point[] }) {
  const t = useT()
  const to = points.at(-1)?.to ?? 0
  const drawing = useMemo(() => drawingOf(points, Math.max(0, to - ROW_MS), Math.max(to, 1)), [points, to])
  if (!canTell(points)) return null
  return <div className="feelings small-line" title={t('feeling.hint')}><Picture drawing={drawing} label={describe(t, points, drawing)} /></div>
})

function Picture({ drawing, label, marks }: { drawing: Drawing; label: string; marks?: boolean }) {
  const t = useT()
  return (
    <div className="feeling-box" role="img" aria-label={label} title={t('feeling.hint')}>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        <line className="usual" x1="0" y1="0.5" x2="1" y2="0.5" />
        {drawing.strokes.map((s, i) => <line key={i} className={`tone-${s.tone}${s.thin ? ' thin' : ''}`} x1={s.x1} y1={s.y1} x2={s.x2} y2={s.y2} />)}
      </svg>
      {marks && drawing.marks.map((m, i) => {
        const [Mood, tone] = moods[m.label] ?? moods.surprise
        return <span key={i} className={`feeling-mark tone-${tone}`} title={`${clock(m.point.from)} ${wordFor(t, 'feeling', m.label)}`} style={{ left: `${100 * m.x}%`, top: `calc(8px + (100% - 16px) * ${m.y})` }}><Mood size={16} /></span>
      })}
    </div>
  )
}

/** So many of the latest marks are told in words. */
const SIGNS = 6

/** What the picture says, and that it is a hint. */
function describe(t: T, points: readonly Point[], d: Drawing): string {
  const last = points.at(-1)
  if (!last) return t('feeling.nothing')
  const { arousal } = last.emotion
  const mood = moodOf(last.emotion)
  const now = [arousal.confidence > 0 ? t(`feeling.${levelOf(arousal.value)}`) : t('feeling.unknown'), mood && t(`feeling.${mood}`)].filter(Boolean).join(', ')
  const signs = d.marks.slice(-SIGNS).map((m) => `${clock(m.point.from)} ${wordFor(t, 'feeling', m.label)}`).join(', ')
  return `${t('feeling.now', { what: now })} ${signs ? t('feeling.signs', { signs }) : t('feeling.noSigns')} ${t('feeling.hint')}`
}
