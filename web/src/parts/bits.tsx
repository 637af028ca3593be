import { Button, type ButtonProps } from '@mantine/core'
import { IconAlertTriangle, IconInfoCircle, IconPlugConnectedX } from '@tabler/icons-react'
import type { ComponentPropsWithoutRef, ReactNode } from 'react'
import { keysOn } from '../app/keys'
import { useStore } from '../app/store'
import { Problem } from '../protocol'

export function Key({ children }: { children: string }) {
  const on = useStore(keysOn) === 'on'
  return on ? <kbd className="key" aria-hidden="true">{children}</kbd> : null
}

type KeyButtonProps = ButtonProps & ComponentPropsWithoutRef<'button'> & { hotkey: string; shown?: string; 'data-testid'?: string }

/** A button that says which key presses it. */
export function KeyButton({ hotkey, shown, children, ...rest }: KeyButtonProps) {
  return (
    <Button rightSection={<Key>{shown ?? hotkey.toUpperCase()}</Key>} aria-keyshortcuts={hotkey} {...rest}>
      {children}
    </Button>
  )
}

interface PanelProps {
  title: string
  side?: ReactNode
  children: ReactNode
  className?: string
  flush?: boolean
}

export function Panel({ title, side, children, className = '', flush }: PanelProps) {
  return (
    <section className={`panel ${className}`} aria-label={title}>
      <header>
        <h2 className="grow">{title}</h2>
        {side}
      </header>
      {flush ? children : <div className="body">{children}</div>}
    </section>
  )
}

export function Empty({ children, next }: { children: ReactNode; next?: ReactNode }) {
  return (
    <div className="empty">
      <p>{children}</p>
      {next}
    </div>
  )
}

const icons = { warn: IconAlertTriangle, bad: IconPlugConnectedX, busy: IconInfoCircle }

export function Banner({ tone, children, testid }: { tone: keyof typeof icons; children: ReactNode; testid?: string }) {
  const Icon = icons[tone]
  return (
    <div className={`banner ${tone}`} role="status" data-testid={testid}>
      <Icon size={16} aria-hidden="true" />
      {children}
    </div>
  )
}

/** Why something did not work, in the server's words where it has any. */
export function whyOf(e: unknown): string {
  if (e instanceof Problem) return e.fields[0]?.detail ?? e.detail
  return e instanceof Error ? e.message : String(e)
}
