import { Button } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { useT, type Key } from '../i18n'
import { wasPhone, type Me } from '../protocol'
import { Ring } from '../parts/Ring'
import { hasPhone, homeOf, Shell } from '../parts/Shell'
import { Empty } from '../parts/bits'
import { CallPage } from '../pages/CallPage'
import { Calls } from '../pages/Calls'
import { DemoPhone } from '../pages/DemoPhone'
import { Desk } from '../pages/Desk'
import { Monitor } from '../pages/Monitor'
import { SignIn } from '../pages/SignIn'
import { Boundary } from './Boundary'
import { expose, load, may, phone, session } from './clients'
import { navigate, usePlace } from './router'
import { useStore } from './store'

interface Page {
  title: Key
  show: (me: Me) => ReactNode
  may: (me: Me) => boolean
}

const reads = (me: Me) => may(me, 'calls.read')

function pageOf(path: string): Page | null {
  if (path === '/agent') return { title: 'desk.title', show: (me) => <Desk me={me} />, may: (me) => me.roles.includes('agent') }
  if (path === '/monitor') return { title: 'monitor.title', show: (me) => <Monitor me={me} />, may: (me) => may(me, 'calls.monitor') }
  if (path === '/calls') return { title: 'calls.title', show: (me) => <Calls me={me} />, may: reads }
  const id = /^\/calls\/([^/]+)$/.exec(path)?.[1]
  return id ? { title: 'calls.title', show: (me) => <CallPage key={id} me={me} id={decodeURIComponent(id)} />, may: reads } : null
}

export function App() {
  const t = useT()
  const path = usePlace().split('?')[0]!.replace(/(.)\/$/, '$1')
  const s = useStore(session)
  const page = pageOf(path)
  useTitle(page?.title ?? (path === '/phone' ? 'phone.title' : 'signin.title'))
  useEffect(() => {
    if (path !== '/phone') expose(phone)
  }, [path])
  const me = s.status === 'in' ? s.me : null
  // A tab that was a telephone is one again after a reload, whatever it shows: its call comes back to it.
  useEffect(() => {
    if (me && path !== '/phone' && hasPhone(me) && wasPhone()) void phone.start()
  }, [me, path])
  if (path === '/phone') return <DemoPhone />
  if (s.status === 'unknown') return <Shell title="ivrd"><p className="quiet" role="status">{t('app.loading')}</p></Shell>
  if (s.status === 'error') {
    return <Shell title="ivrd"><Empty next={<Button onClick={() => void load()}>{t('app.retry')}</Button>}>{t('app.unreachable')}</Empty></Shell>
  }
  if (s.status === 'out') return path === '/' ? <SignIn ended={s.ended} /> : <Go to={`/?next=${encodeURIComponent(path)}`} />
  if (path === '/') return <Go to={nextOf(s.me)} />
  return <>
    <Boundary place={path} instead={<Fault />}>{page === null ? <Nothing me={s.me} text="app.notFound" /> : page.may(s.me) ? page.show(s.me) : <Nothing me={s.me} text="app.noPermission" more="app.noPermissionNext" />}</Boundary>
    <Ring me={s.me} />
  </>
}

/** Where to go after the sign-in: where one wanted to, if that is a page that one may see. */
function nextOf(me: Me): string {
  const next = new URLSearchParams(location.search).get('next') ?? ''
  return pageOf(next)?.may(me) ? next : homeOf(me)
}

function Go({ to }: { to: string }) {
  useEffect(() => navigate(to, { replace: true }), [to])
  return null
}

function Nothing({ me, text, more }: { me: Me; text: Key; more?: Key }) {
  const t = useT()
  return (
    <Shell me={me} title={t(text)}>
      <Empty next={<Button onClick={() => navigate(homeOf(me))}>{t('app.home')}</Button>}>
        <strong>{t(text)}</strong> {more && t(more)}
      </Empty>
    </Shell>
  )
}

function Fault() {
  const t = useT()
  return <main><Empty next={<Button onClick={() => location.reload()}>{t('app.reload')}</Button>}>{t('app.fault')}</Empty></main>
}

function useTitle(key: Key): void {
  const t = useT()
  useEffect(() => {
    document.title = `${t(key)} – ivrd`
  }, [t, key])
}
