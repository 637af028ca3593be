import { Menu, UnstyledButton } from '@mantine/core'
import { IconChevronDown, IconCircleCheck, IconCoffee, IconPower } from '@tabler/icons-react'
import { useState } from 'react'
import { api, useEvents } from '../app/clients'
import { clock, since, useNow } from '../app/time'
import { useT, wordFor } from '../i18n'
import type { Agent, AskedState, Me } from '../protocol'
import { whyOf } from './bits'
import { AgentBadge } from './StateBadge'

const reasons = ['break', 'lunch', 'training', 'meeting'] as const

/** My state with its timer, and the menu that changes it. */
export function StateMenu({ me }: { me: Me }) {
  const t = useT()
  const agent = useEvents().agents.get(me.name)
  const [error, setError] = useState('')
  const ask = (state: AskedState, reason?: string) => {
    setError('')
    api.setState(me.name, state, reason).catch((e: unknown) => setError(whyOf(e)))
  }
  return (
    <div className="row">
      <Menu position="bottom-end" width={200} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <UnstyledButton className="state-button" data-testid="agent-state" data-state={agent?.state ?? 'offline'} title={t('state.set')}>
            <AgentBadge state={agent?.state ?? 'offline'} reason={agent?.reason} />
            {agent && <Timer agent={agent} />}
            <IconChevronDown size={14} aria-hidden="true" />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item data-testid="state-ready" leftSection={<IconCircleCheck size={16} />} onClick={() => ask('ready')}>{t('state.ready')}</Menu.Item>
          <Menu.Item data-testid="state-away" leftSection={<IconCoffee size={16} />} onClick={() => ask('away')}>{t('state.away')}</Menu.Item>
          {reasons.map((r) => (
            <Menu.Item key={r} data-testid={`state-away-${r}`} pl={36} onClick={() => ask('away', r)}>{t(`reason.${r}`)}</Menu.Item>
          ))}
          <Menu.Item data-testid="state-offline" leftSection={<IconPower size={16} />} onClick={() => ask('offline')}>{t('state.offline')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {agent?.then && <span className="quiet">{t('state.after', { state: wordFor(t, 'state', agent.then) })}</span>}
      {error && <span className="tone-bad" role="alert">{error}</span>}
    </div>
  )
}

function Timer({ agent }: { agent: Agent }) {
  const now = useNow()
  return <span className="num" aria-hidden="true">{clock(since(agent.since, now))}</span>
}
