import { IconAntennaBars2, IconAntennaBars3, IconAntennaBars5, type Icon } from '@tabler/icons-react'
import { gradeOf, lineOf } from '../app/lines'
import { useT, wordFor, type Key } from '../i18n'
import type { Grade, LegRecord, LiveCall, LiveLine, Voice } from '../protocol'

const signs: Record<Grade, [Icon, string]> = { good: [IconAntennaBars5, 'ok'], fair: [IconAntennaBars3, 'warn'], poor: [IconAntennaBars2, 'bad'] }

/** A grade: bars and a word, which say the same without their colour. */
export function GradeBadge({ grade, title }: { grade: Grade; title?: string | undefined }) {
  const t = useT()
  const [Bars, tone] = signs[grade] ?? signs.poor
  return <span className={`state tone-${tone}`} data-grade={grade} title={title}><Bars size={16} aria-hidden="true" />{wordFor(t, 'grade', grade)}</span>
}

/** The lines of a live call. Whoever cannot see it hears of a change of grade, not of every figure. */
export function LiveLines({ call, names }: { call: LiveCall; names: Record<LiveLine['party'], Key> }) {
  const t = useT()
  const shown = (['caller', 'agent', 'other'] as const).flatMap((p) => lineOf(call, p) ?? [])
  return (
    <div className="row flags" role="status" data-testid="lines">
      {shown.map((l) => (
        <span key={l.party} className="row line" data-testid={`line-${l.party}`}>
          <span className="quiet">{t(names[l.party])}</span>
          <GradeBadge grade={l.grade} title={figures(t('line.heard'), l.heard_mos, t('line.peerHeard'), l.peer_heard_mos)} />
        </span>
      ))}
    </div>
  )
}

export const deskNames: Record<LiveLine['party'], Key> = { caller: 'line.caller', agent: 'line.yours', other: 'line.other' }
export const monitorNames: Record<LiveLine['party'], Key> = { caller: 'line.caller', agent: 'line.agent', other: 'line.other' }

function figures(heard: string, mos: number | undefined, told: string, peer: number | undefined): string {
  return [mos ? `${heard}: ${mos.toFixed(1)}` : '', peer ? `${told}: ${peer.toFixed(1)}` : ''].filter(Boolean).join(' · ') + ' (MOS 1–4.5)'
}

/** The lines of an ended call. */
export function LegTable({ legs }: { legs: LegRecord[] }) {
  const t = useT()
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={t('line.title')}><table className="table legs" data-testid="legs">
      <thead><tr>
        <th scope="col">{t('line.party')}</th>
        <th scope="col">{t('line.way')}</th>
        <th scope="col">{t('line.quality')}</th>
        <th scope="col" className="r" title={t('line.worstHint')}>{t('line.worst')}</th>
        <th scope="col" className="r" title={t('line.lossHint')}>{t('line.loss')}</th>
        <th scope="col" className="r">{t('line.jitter')}</th>
        <th scope="col" className="r" title={t('line.delayHint')}>{t('line.delay')}</th>
        <th scope="col" className="r">{t('line.rtt')}</th>
      </tr></thead>
      <tbody>{legs.flatMap((l, i) => [
        <Way key={`${i}h`} leg={l} voice={l.heard} way="line.heard" first />,
        <Way key={`${i}p`} leg={l} voice={l.peer_heard} way="line.peerHeard" first={!l.heard} />,
      ])}</tbody>
    </table></div>
  )
}

function Way({ leg, voice, way, first }: { leg: LegRecord; voice: Voice | undefined; way: Key; first: boolean }) {
  const t = useT()
  if (!voice) return null
  return (
    <tr>
      <td>{first && <>{wordFor(t, 'party', leg.party)}{leg.who && <span className="quiet"> · {leg.who}</span>}{leg.codec && <span className="quiet"> · {leg.codec}</span>}</>}</td>
      <td className="quiet">{t(way)}</td>
      <td><GradeBadge grade={gradeOf(voice.mos)} /> <span className="num">{voice.mos.toFixed(1)}</span></td>
      <td className="r">{voice.worst_mos.toFixed(1)}</td>
      <td className="r">{voice.loss_percent.toFixed(1)} %</td>
      <td className="r">{Math.round(voice.jitter_ms)} ms</td>
      <td className="r">{voice.delay_ms} ms</td>
      <td className="r">{first && (leg.rtt_ms ? `${Math.round(leg.rtt_ms)} ms` : '–')}</td>
    </tr>
  )
}
