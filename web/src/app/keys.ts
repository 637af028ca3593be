import { useEffect, useRef } from 'react'
import { kept, useStore } from './store'

/** Single keys can be switched off (WCAG 2.1.4): speech input and a cat both type letters. */
export const keysOn = kept('ivrd.keys', 'on')

export function isTyping(target: EventTarget | null): boolean {
  const e = target as HTMLElement | null
  if (!e?.tagName) return false
  return e.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName) || e.getAttribute('role') === 'combobox'
}

type Keys = Record<string, ((e: KeyboardEvent) => void) | undefined | false>

/** Keys that work outside text fields, by KeyboardEvent.key in lower case. */
export function useKeys(keys: Keys): void {
  const now = useRef(keys)
  now.current = keys
  const on = useStore(keysOn) === 'on'
  useEffect(() => {
    if (!on) return
    const press = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.repeat || isTyping(e.target)) return
      // Space and Enter press what has the focus.
      if (/^( |Enter)$/.test(e.key) && (e.target as HTMLElement).closest?.('button, a, [role=menuitem], [role=option], [role=slider]')) return
      const f = now.current[e.key.toLowerCase()]
      if (!f) return
      e.preventDefault()
      f(e)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [on])
}
