import { useCallback } from 'react'
import { kept, useStore } from '../app/store'
import { en, type Key } from './en'
import { zh } from './zh'

export type Language = 'en' | 'zh'
export type { Key }

const dictionaries: Record<Language, Record<Key, string>> = { en, zh }

const ofBrowser: Language = globalThis.navigator?.language?.toLowerCase().startsWith('zh') ? 'zh' : 'en'
export const language = kept('ivrd.language', ofBrowser)

const valid = (l: string): Language => (l === 'zh' ? 'zh' : 'en')

function follow(): void {
  document.documentElement.lang = valid(language.get()) === 'zh' ? 'zh-CN' : 'en'
}

/** Makes the page say which language it is in, now and after every change. */
export function startLanguage(): void {
  follow()
  language.subscribe(follow)
}

export type T = (key: Key, fill?: Record<string, string | number>) => string

export function translate(l: Language, key: Key, fill: Record<string, string | number> = {}): string {
  return dictionaries[l][key].replace(/\{(\w+)\}/g, (all, name: string) => String(fill[name] ?? all))
}

export function useT(): T {
  const l = valid(useStore(language))
  return useCallback((key, fill) => translate(l, key, fill), [l])
}

/** The word for something that the server names, or the name itself where we have no word. */
export function wordFor(t: T, prefix: string, name: string | undefined): string {
  if (!name) return ''
  const key = `${prefix}.${name}`
  return key in en ? t(key as Key) : name
}

export function useLocale(): string {
  return valid(useStore(language)) === 'zh' ? 'zh-CN' : 'en-GB'
}
