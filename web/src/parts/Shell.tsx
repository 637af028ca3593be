import { ActionIcon, Button, Menu, useMantineColorScheme, useComputedColorScheme } from '@mantine/core'
import { IconEar, IconKeyboard, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { may, signOut, usePhone } from '../app/clients'
import { keysOn } from '../app/keys'
import { Link, usePlace } from '../app/router'
import { useStore } from '../app/store'
import { language, useT } from '../i18n'
import type { Me } from '../protocol'
import { SoundMenu } from './SoundMenu'
import { StateMenu } from './StateMenu'
import { readAloud } from './Transcript'

interface ShellProps {
  me?: Me | undefined
  /** The heading, for who hears the page; a page that shows one of its own has none here. */
  title?: string
  children: ReactNode
  banner?: ReactNode
}

/** The frame of every page: where one is, who one is, and what is so with the sound. */
export function Shell({ me, title, children, banner }: ShellProps) {
  const t = useT()
  const place = usePlace().split('?')[0]!
  return (
    <div className="shell">
      <a className="skip" href="#content">{t('app.skip')}</a>
      <header className="top">
        <Link href={me ? homeOf(me) : '/'} className="brand"><Logo /><span className="brand-name">ivrd</span></Link>
        {me ? <nav className="nav" aria-label={t('app.pages')}>
          {placesOf(me).map(([href, key]) => (
            <Link key={href} href={href} aria-current={place.startsWith(href) ? 'page' : undefined}>{t(key)}</Link>
          ))}
        </nav> : null}
        <span className="grow" />
        {me?.roles.includes('agent') && <StateMenu me={me} />}
        {me && hasPhone(me) && <SoundMenu />}
        <Choices />
        {me && <UserMenu me={me} />}
      </header>
      {banner}
      <main id="content" tabIndex={-1}>{title && <h1 className="hidden-text">{title}</h1>}{children}</main>
    </div>
  )
}

export const hasPhone = (me: Me): boolean => me.roles.includes('agent') || may(me, 'calls.monitor')

export function homeOf(me: Me): string {
  if (me.roles.includes('agent')) return '/agent'
  return me.roles.includes('supervisor') ? '/monitor' : '/calls'
}

function placesOf(me: Me) {
  const all = [] as [string, 'app.desk' | 'app.monitor' | 'app.calls'][]
  if (me.roles.includes('agent')) all.push(['/agent', 'app.desk'])
  if (may(me, 'calls.monitor')) all.push(['/monitor', 'app.monitor'])
  if (may(me, 'calls.read')) all.push(['/calls', 'app.calls'])
  return all
}

/** Language and theme, one click each. */
export function Choices() {
  const t = useT()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <div className="row choices">
      <Button
        variant="subtle" color="gray" px={8} data-testid="language" title={t('app.languageLabel')} lang={language.get() === 'zh' ? 'en' : 'zh-CN'}
        onClick={() => language.set(language.get() === 'zh' ? 'en' : 'zh')}
      >
        {t('app.language')}
      </Button>
      <ActionIcon data-testid="theme" aria-label={t(dark ? 'app.light' : 'app.dark')} title={t(dark ? 'app.light' : 'app.dark')} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={16} /> : <IconMoon size={16} />}
      </ActionIcon>
    </div>
  )
}

function UserMenu({ me }: { me: Me }) {
  const t = useT()
  const busy = usePhone().state === 'talking'
  const keys = useStore(keysOn)
  const aloud = useStore(readAloud)
  return (
    <Menu position="bottom-end" width={220} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="subtle" color="gray" px={8} data-testid="user-menu" leftSection={<IconUser size={16} />} title={t('app.menu', { name: me.display || me.name })}>
          <span className="name-s">{me.display || me.name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.roles.map((r) => t(`role.${r}`)).join(' · ')}</Menu.Label>
        <Menu.Item leftSection={<IconKeyboard size={16} />} closeMenuOnClick={false} onClick={() => keysOn.set(keys === 'on' ? 'off' : 'on')}>
          {t(keys === 'on' ? 'app.keysOn' : 'app.keysOff')}
        </Menu.Item>
        <Menu.Item leftSection={<IconEar size={16} />} closeMenuOnClick={false} data-testid="read-aloud" onClick={() => readAloud.set(aloud === 'on' ? 'off' : 'on')}>
          {t(aloud === 'on' ? 'talk.aloudOn' : 'talk.aloudOff')}
        </Menu.Item>
        <Menu.Item data-testid="sign-out" leftSection={<IconLogout size={16} />} disabled={busy} onClick={() => void signOut()}>
          {t(busy ? 'app.signOutBusy' : 'app.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

export function Logo() {
  return (
    <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#3b5bdb" />
      <path d="M8 13v6M13.3 9v14M18.6 12v8M24 14v4" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
    </svg>
  )
}
