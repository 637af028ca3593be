import { IconMoodAngry, IconMoodHappy, IconMoodNervous, IconMoodSad, IconMoodSick, IconMoodSurprised, IconTrendingUp, type Icon } from '@tabler/icons-react'
import { surenessOf, toldOf, type Told } from '../app/feelings'
import { useT, wordFor, type T } from '../i18n'
import type { Emotion } from '../protocol'

export const moods: Record<Told, [Icon, string]> = {
  anger: [IconMoodAngry, 'bad'],
  disgust: [IconMoodSick, 'bad'],
  fear: [IconMoodNervous, 'warn'],
  sadness: [IconMoodSad, 'warn'],
  surprise: [IconMoodSurprised, 'busy'],
  happiness: [IconMoodHappy, 'ok'],
}

/** A feeling, and how it was told. */
type Guess = Pick<Emotion, 'label' | 'confidence' | 'method' | 'model'>

/** By what a feeling was told: it may have been the voice alone. */
export function methodOf(t: T, e: Guess, words: boolean): string {
  if (e.method === 'model') return t('feeling.byModel', { model: e.model ?? '–' })
  if (e.method === 'asr-tag') return t('feeling.byTag')
  return t(words ? 'feeling.byVoiceAndWords' : 'feeling.byVoice', { method: e.method })
}

/** A guess as a guess: the feeling, how sure, and by what. Nothing for what is unknown or neutral. */
export function FeelingMark({ emotion, words }: { emotion: Guess | undefined; words: boolean }) {
  const t = useT()
  const told = toldOf(emotion)
  if (!emotion || !told) return null
  const [Mood, tone] = moods[told] ?? moods.surprise
  const sure = surenessOf(emotion.confidence)
  return (
    <span className="mark" data-feeling={told} title={t('feeling.hint')}>
      <span className={`state tone-${tone}`}><Mood size={16} aria-hidden="true" />{t(sure === 'high' ? 'feeling.probably' : 'feeling.perhaps', { feeling: wordFor(t, 'feeling', told) })}</span>
      <span className="quiet">{t(`feeling.${sure}`)} · {methodOf(t, emotion, words)}</span>
    </span>
  )
}

/** That the signs of anger have grown. */
export function Escalating({ size = 16 }: { size?: number }) {
  const t = useT()
  return <span className="state tone-bad" data-testid="escalating" title={t('feeling.escalateHint')}><IconTrendingUp size={size} aria-hidden="true" />{t('feeling.escalate')}</span>
}
