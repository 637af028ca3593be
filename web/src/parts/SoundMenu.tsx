import { Popover, UnstyledButton } from '@mantine/core'
import { IconHeadphones, IconHeadphonesOff } from '@tabler/icons-react'
import { usePhone } from '../app/clients'
import { useT } from '../i18n'
import type { PhoneSnapshot } from '../protocol'
import { SoundCheck } from './SoundCheck'

/** Whether the page is a working telephone, and what to do when not. */
export function SoundMenu() {
  const t = useT()
  const p = usePhone()
  const word = wordOf(p)
  const Icon = word === 'off' ? IconHeadphonesOff : IconHeadphones
  return (
    <Popover position="bottom-end" width={320} trapFocus>
      <Popover.Target>
        <UnstyledButton className="state-button" data-testid="sound-status" data-registered={p.registered}>
          <span className={`state tone-${word === 'ok' ? 'ok' : word === 'off' ? 'off' : 'warn'}`}>
            <Icon size={16} aria-hidden="true" />
            <span className="words-s">{t(`sound.${word}`)}</span>
          </span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('sound.title')}>
        <SoundCheck />
      </Popover.Dropdown>
    </Popover>
  )
}

function wordOf(p: PhoneSnapshot): 'ok' | 'registering' | 'off' {
  if (p.registered) return 'ok'
  return p.state === 'offline' ? 'off' : 'registering'
}
