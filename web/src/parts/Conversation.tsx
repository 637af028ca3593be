import { Button } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { transcripts } from '../app/clients'
import type { Store } from '../app/store'
import { usePoints, useTalk } from '../app/talk'
import { isLine } from '../app/words'
import { useT, type Key } from '../i18n'
import { isProblem, type Coverage, type LiveCall, type Me, type Talk } from '../protocol'
import { Empty, whyOf } from './bits'
import { EmotionLine } from './EmotionLine'
import { Transcript } from './Transcript'

interface Props {
  id: string
  me: Me
  /** What the live call, or the record, says of its coverage; undefined where that says nothing yet. */
  coverage: Coverage | undefined
  live?: boolean
  position?: Store<number>
  onPick?: ((ms: number) => void) | undefined
  /** The line of feelings is shown elsewhere. */
  wordsOnly?: boolean
}

/** The words and the feelings of a call, as far as they are known, and why there are no more. */
export function Conversation({ id, me, coverage, live, position, onPick, wordsOnly }: Props) {
  const t = useT()
  const talk = useTalk(id)
  const points = usePoints(talk.segments)
  const lines = talk.segments.some(isLine)
  const known = live ? coverage : (talk.coverage ?? coverage)
  return (
    <div className="stack conversation" data-coverage={known}>
      {points.length > 0 && !wordsOnly && <EmotionLine points={points} />}
      {known !== undefined && known !== 'conversation' && talk.history !== 'loading' && talk.history !== 'failed' && <NotTranscribed menus={known === 'menus'} />}
      {lines && <Transcript segments={talk.segments} me={me.name} live={live} position={position} onPick={onPick} />}
      {!lines && talk.history === 'loading' && <p className="quiet" role="status">{t('app.loading')}</p>}
      {!lines && talk.history === 'loaded' && known !== '' && <Empty>{t(live ? 'talk.noneYet' : 'talk.none')}</Empty>}
      {lines && talk.engines.length > 0 && <p className="quiet small">{t('talk.by', { engines: talk.engines.join(', ') })}</p>}
      {talk.history === 'failed' && <Failed id={id} talk={talk} />}
    </div>
  )
}

function NotTranscribed({ menus }: { menus: boolean }) {
  const t = useT()
  return (
    <p className="notice quiet" data-testid="not-transcribed">
      <IconInfoCircle size={16} aria-hidden="true" />
      <span>{t(menus ? 'talk.menusOnly' : 'talk.notListened')}</span>
    </p>
  )
}

const refusals: [number, Key][] = [[403, 'talk.noRight'], [404, 'talk.gone'], [410, 'talk.gone']]

function Failed({ id, talk }: { id: string; talk: Talk }) {
  const t = useT()
  const refused = refusals.find(([status]) => isProblem(talk.error) && talk.error.status === status)
  if (refused) return <Empty>{t(refused[1])}</Empty>
  return <Empty next={<Button variant="default" onClick={() => transcripts.retry(id)}>{t('app.retry')}</Button>}>{t('talk.failed', { why: whyOf(talk.error) })}</Empty>
}

/** Of a live call: whether its conversation is written down is known when there is one. */
export function coverageOf(c: LiveCall): Coverage | undefined {
  const talks = c.state === 'talking' || c.state === 'held' || c.state === 'connected'
  return talks || c.transcribed === 'conversation' ? (c.transcribed ?? '') : undefined
}
