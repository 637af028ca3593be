import {
  IconBellRinging, IconCircleCheck, IconCoffee, IconHourglass, IconListNumbers, IconMusic, IconPencil, IconPhoneCall, IconPhoneOutgoing, IconPlugConnectedX, IconPower,
  type Icon,
} from '@tabler/icons-react'
import { useT, wordFor } from '../i18n'
import type { AgentState, CallState } from '../protocol'

type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'off'

const agents: Record<AgentState, [Icon, Tone]> = {
  ready: [IconCircleCheck, 'ok'],
  reserved: [IconBellRinging, 'warn'],
  talking: [IconPhoneCall, 'busy'],
  'wrap-up': [IconPencil, 'busy'],
  away: [IconCoffee, 'warn'],
  offline: [IconPower, 'off'],
}

const calls: Record<CallState, [Icon, Tone]> = {
  menu: [IconListNumbers, 'off'],
  waiting: [IconHourglass, 'warn'],
  ringing: [IconBellRinging, 'warn'],
  talking: [IconPhoneCall, 'ok'],
  held: [IconMusic, 'warn'],
  away: [IconPlugConnectedX, 'bad'],
  connected: [IconPhoneOutgoing, 'ok'],
}

export function AgentBadge({ state, reason }: { state: AgentState; reason?: string | undefined }) {
  const t = useT()
  const [Icon, tone] = agents[state] ?? agents.offline
  return (
    <span className={`state tone-${tone}`} data-state={state}>
      <Icon size={16} aria-hidden="true" />
      {wordFor(t, 'state', state)}
      {reason && <span className="quiet"> · {wordFor(t, 'reason', reason)}</span>}
    </span>
  )
}

export function CallBadge({ state }: { state: CallState }) {
  const t = useT()
  const [Icon, tone] = calls[state] ?? calls.menu
  return (
    <span className={`state tone-${tone}`} data-state={state}>
      <Icon size={16} aria-hidden="true" />
      {wordFor(t, 'call', state)}
    </span>
  )
}
