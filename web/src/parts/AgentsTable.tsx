import { ActionIcon, Menu } from '@mantine/core'
import { IconCircleCheck, IconCoffee, IconDotsVertical } from '@tabler/icons-react'
import { useState } from 'react'
import { api, may } from '../app/clients'
import { clock, since, useNow } from '../app/time'
import { useT } from '../i18n'
import type { Agent, AskedState, EventsState, Me } from '../protocol'
import { Empty, Panel, whyOf } from './bits'
import { AgentBadge } from './StateBadge'

// Who can help comes first, who is not there last.
const order: Agent['state'][] = ['ready', 'reserved', 'talking', 'wrap-up', 'away', 'offline']

export function AgentsTable({ e, me }: { e: EventsState; me: Me }) {
  const t = useT()
  const now = useNow()
  const [error, setError] = useState('')
  const agents = [...e.agents.values()].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || Date.parse(a.since) - Date.parse(b.since))
  const set = (name: string, s: AskedState) => {
    setError('')
    api.setState(name, s).catch((x: unknown) => setError(whyOf(x)))
  }
  return (
    <Panel title={t('monitor.agents')} side={error && <span className="tone-bad" role="alert">{error}</span>} flush>
      {agents.length === 0
        ? <div className="body"><Empty>{t(e.known ? 'monitor.noAgents' : 'app.loading')}</Empty></div>
        : <div className="scroll" tabIndex={0} role="group" aria-label={t('monitor.agents')}><table className="table">
          <thead><tr>
            <th scope="col">{t('monitor.agent')}</th>
            <th scope="col">{t('monitor.state')}</th>
            <th scope="col" className="r">{t('monitor.time')}</th>
            <th scope="col">{t('monitor.queues')}</th>
            <th scope="col"><span className="hidden-text">{t('state.set')}</span></th>
          </tr></thead>
          <tbody>{agents.map((a) => (
            <tr key={a.name} data-testid={`agent-${a.name}`}>
              <th scope="row" className="name">{a.name}</th>
              <td><AgentBadge state={a.state} reason={a.reason} /></td>
              <td className="r">{clock(since(a.since, now))}</td>
              <td className="quiet">{(a.queues ?? []).join(', ')}</td>
              <td className="r">{may(me, 'agents.state') && <SetState a={a} set={set} />}</td>
            </tr>
          ))}</tbody>
        </table></div>}
    </Panel>
  )
}

function SetState({ a, set }: { a: Agent; set: (name: string, s: AskedState) => void }) {
  const t = useT()
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target><ActionIcon size="sm" aria-label={t('monitor.setFor', { name: a.name })} data-testid={`set-${a.name}`}><IconDotsVertical size={16} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconCircleCheck size={16} />} data-testid={`set-ready-${a.name}`} onClick={() => set(a.name, 'ready')}>{t('monitor.setReady')}</Menu.Item>
        <Menu.Item leftSection={<IconCoffee size={16} />} data-testid={`set-away-${a.name}`} onClick={() => set(a.name, 'away')}>{t('monitor.setAway')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
