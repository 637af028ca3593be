import { useSyncExternalStore } from 'react'

/** A value that screens follow; for what lives as long as the page. */
export class Store<T> {
  private readonly listeners = new Set<() => void>()
  constructor(private value: T) {}

  get = (): T => this.value

  set = (value: T): void => {
    if (Object.is(value, this.value)) return
    this.value = value
    for (const f of this.listeners) f()
  }

  subscribe = (f: () => void): (() => void) => {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }
}

export function useStore<T>(s: { get: () => T; subscribe: (f: () => void) => () => void }): T {
  return useSyncExternalStore(s.subscribe, s.get)
}

/** A Store that is kept in localStorage, as text. */
export function kept(key: string, first: string): Store<string> {
  const s = new Store(read(key) ?? first)
  s.subscribe(() => {
    try {
      localStorage.setItem(key, s.get())
    } catch {
      // Private windows may refuse; the choice then holds for this page.
    }
  })
  return s
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
