import { Button, PasswordInput, TextInput } from '@mantine/core'
import { IconPhone } from '@tabler/icons-react'
import { useState, type FormEvent } from 'react'
import { api, signedIn, site } from '../app/clients'
import { navigate } from '../app/router'
import { useStore } from '../app/store'
import { whyOf } from '../parts/bits'
import { Choices, Logo } from '../parts/Shell'
import { useT, type Key, type T } from '../i18n'
import { isProblem } from '../protocol'

const DEMO_PASSWORD = 'demo'

export function SignIn({ ended }: { ended?: boolean | undefined }) {
  const t = useT()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState('')
  const [error, setError] = useState('')
  const s = useStore(site)
  const enter = (n: string, p: string) => {
    setBusy(n)
    setError('')
    api.login(n, p).then(signedIn, (e: unknown) => setError(sentence(t, e))).finally(() => setBusy(''))
  }
  const submit = (e: FormEvent) => {
    e.preventDefault()
    enter(name.trim(), password)
  }
  return (
    <main className="signin">
      <div className="row"><Logo /><h1 className="grow">{s?.name ?? 'ivrd'}</h1><Choices /></div>
      {ended && <p className="tone-warn" role="status">{t('app.signedOutEnded')}</p>}
      <form className="panel signin-form stack" onSubmit={submit} aria-label={t('signin.title')}>
        <TextInput size="sm" label={t('signin.name')} name="username" autoComplete="username" required withAsterisk={false} autoFocus data-testid="signin-name" value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <PasswordInput size="sm" label={t('signin.password')} name="password" autoComplete="current-password" required withAsterisk={false} data-testid="signin-password" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
        {error && <p className="tone-bad" role="alert">{error}</p>}
        <Button type="submit" size="sm" loading={busy !== '' && busy === name.trim()} data-testid="signin-submit">{t('signin.submit')}</Button>
      </form>
      {s?.mode === 'demo' && <Demo busy={busy} enter={enter} />}
    </main>
  )
}

function Demo({ busy, enter }: { busy: string; enter: (name: string, password: string) => void }) {
  const t = useT()
  const s = useStore(site)
  return (
    <section className="stack" aria-label={t('signin.demo')}>
      <p className="quiet">{t('signin.demo')}</p>
      <ul className="people">
        {(s?.people ?? []).map((p) => (
          <li key={p.name}>
            <Button
              fullWidth variant="default" size="md" loading={busy === p.name} justify="space-between" data-testid={`signin-as-${p.name}`}
              title={t('signin.as', { name: p.display || p.name })} onClick={() => enter(p.name, DEMO_PASSWORD)}
              rightSection={<span className="quiet small">{p.roles.map((r) => t(`role.${r}`)).join(' · ')}</span>}
            >
              {p.display || p.name}
            </Button>
          </li>
        ))}
      </ul>
      <Button variant="light" size="md" leftSection={<IconPhone size={16} />} data-testid="to-phone" onClick={() => navigate('/phone')}>{t('signin.caller')}</Button>
      <p className="quiet small">{t('signin.callerHint')}</p>
    </section>
  )
}

const sentences: Record<string, Key> = {
  login: 'signin.wrong', locked: 'signin.locked', rate: 'signin.rate', busy: 'signin.busy', network: 'app.unreachable',
}

function sentence(t: T, e: unknown): string {
  const key = isProblem(e) ? sentences[e.slug] : undefined
  return key ? t(key) : whyOf(e)
}
