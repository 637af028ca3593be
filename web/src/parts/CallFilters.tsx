import { Button, Popover, TextInput } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useState, type FormEvent } from 'react'
import { useEvents } from '../app/clients'
import { useT, type Key } from '../i18n'
import type { Me } from '../protocol'

export type Since = 'today' | '7d' | '30d' | 'all'
export interface Filters {
  queue: string
  agent: string
  since: Since
}

const sinces: [Since, Key][] = [['today', 'calls.sinceToday'], ['7d', 'calls.since7'], ['30d', 'calls.since30'], ['all', 'calls.sinceEver']]

/** The filters as one sentence: show calls · of payments · by bob · of the last 7 days. */
export function CallFilters({ filters, set, me }: { filters: Filters; set: (f: Filters) => void; me: Me }) {
  const t = useT()
  const e = useEvents()
  const queues = [...e.queues.keys()].sort()
  const agents = [...e.agents.keys()].filter((a) => a !== me.name).sort()
  const mine = me.roles.includes('agent') ? [{ value: me.name, label: t('calls.byMe') }] : []
  return (
    <div className="row filters" role="group" aria-label={t('calls.show')}>
      <span>{t('calls.show')}</span>
      <Chip testid="filter-queue" label={filters.queue ? t('calls.ofQueue', { queue: filters.queue }) : t('calls.anyQueue')} on={filters.queue !== ''} free value={filters.queue}
        options={[{ value: '', label: t('calls.anyQueue') }, ...queues.map((q) => ({ value: q, label: t('calls.ofQueue', { queue: q }) }))]}
        pick={(queue) => set({ ...filters, queue })} />
      <Chip testid="filter-agent" label={!filters.agent ? t('calls.anyAgent') : filters.agent === me.name ? t('calls.byMe') : t('calls.byAgent', { agent: filters.agent })} on={filters.agent !== ''} free value={filters.agent}
        options={[{ value: '', label: t('calls.anyAgent') }, ...mine, ...agents.map((a) => ({ value: a, label: t('calls.byAgent', { agent: a }) }))]}
        pick={(agent) => set({ ...filters, agent })} />
      <Chip testid="filter-since" label={t(sinces.find(([s]) => s === filters.since)![1])} on={filters.since !== 'all'} value={filters.since}
        options={sinces.map(([value, k]) => ({ value, label: t(k) }))} pick={(s) => set({ ...filters, since: s as Since })} />
    </div>
  )
}

interface ChipProps {
  label: string
  on: boolean
  value: string
  /** Also a name that is not in the list. */
  free?: boolean
  options: { value: string; label: string }[]
  pick: (value: string) => void
  testid: string
}

function Chip({ label, on, value, free, options, pick, testid }: ChipProps) {
  const t = useT()
  const [open, setOpen] = useState(false)
  const [name, setName] = useState('')
  const take = (v: string) => {
    setOpen(false)
    setName('')
    pick(v)
  }
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (name.trim()) take(name.trim())
  }
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <Button variant={on ? 'light' : 'default'} radius="xl" data-testid={testid} rightSection={<IconChevronDown size={14} />} onClick={() => setOpen(!open)}>{label}</Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <div className="stack-s">
          {options.map((o) => (
            <Button key={o.value} variant={o.value === value ? 'light' : 'subtle'} color={o.value === value ? 'accent' : 'gray'} justify="flex-start" aria-pressed={o.value === value} onClick={() => take(o.value)}>{o.label}</Button>
          ))}
          {free && <form className="row align-end" onSubmit={submit}>
            <TextInput label={t('calls.nameField')} value={name} onChange={(e) => setName(e.currentTarget.value)} />
            <Button type="submit" variant="default" disabled={!name.trim()}>{t('calls.apply')}</Button>
          </form>}
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}
