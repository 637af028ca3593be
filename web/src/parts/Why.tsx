import { useT, wordFor } from '../i18n'
import type { Score } from '../protocol'

const signed = (points: number) => `${points < 0 ? '−' : '+'}${Math.abs(points)}`

/** The priority and what it is the sum of. */
export function Why({ score }: { score: Score | undefined }) {
  const t = useT()
  if (!score) return null
  return (
    <div className="why">
      <span><span className="quiet">{t('desk.priority')}</span> <strong className="num">{Math.round(score.score)}</strong></span>
      <ul className="row">
        {score.terms.map((x) => (
          <li key={x.name} className="quiet num">
            {wordFor(t, 'term', x.name)} {x.weight} × {Math.round(x.value)} = {Math.round(x.weight * x.value)}
            {x.parts && <ul className="row">{x.parts.map((p) => <li key={p.name} title={p.why}>{wordFor(t, 'part', p.name)} {signed(p.points)}</li>)}</ul>}
          </li>
        ))}
      </ul>
    </div>
  )
}
