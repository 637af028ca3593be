import { clock } from '../app/time'
import { useT } from '../i18n'
import type { Step } from '../protocol'

// Where the caller was last says most.
const LAST_STEPS = 4

/** The end of the way through the menu, in one line. */
export function PathLine({ steps }: { steps: Step[] | undefined }) {
  const t = useT()
  if (!steps?.length) return null
  return <span className="quiet cut" title={t('desk.path')}>{[...(steps.length > LAST_STEPS ? ['…'] : []), ...steps.slice(-LAST_STEPS).map((s) => s.node)].join(' › ')}</span>
}

/** The line, which opens to the whole way. */
export function PathFold({ steps }: { steps: Step[] | undefined }) {
  const t = useT()
  if (!steps?.length) return <PathList steps={steps} />
  return <details className="path-fold"><summary className="cut">{t('desk.path')}: <PathLine steps={steps} /></summary><PathList steps={steps} /></details>
}

/** The same as a timeline; `onPick` makes the steps places to go to. */
export function PathList({ steps, onPick }: { steps: Step[] | undefined; onPick?: (ms: number) => void }) {
  const t = useT()
  if (!steps?.length) return <p className="quiet">{t('desk.pathNone')}</p>
  return (
    <ol className="timeline">
      {steps.map((s, i) => (
        <li key={i}>
          {onPick
            ? <button type="button" className="linkish num" onClick={() => onPick(s.at_ms)}>{clock(s.at_ms)}</button>
            : <span className="num quiet">{clock(s.at_ms)}</span>}
          <span>{s.node}</span>
          <span className="quiet">{s.flow}</span>
        </li>
      ))}
    </ol>
  )
}
