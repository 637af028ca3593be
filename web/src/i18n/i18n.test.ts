import { expect, test } from 'vitest'
import { en } from './en'
import { zh } from './zh'

const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()

test('both languages have the same keys, none empty', () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort())
  for (const [k, v] of Object.entries(zh)) expect(v, k).not.toBe('')
})

test('both languages fill in the same names', () => {
  for (const k of Object.keys(en) as (keyof typeof en)[]) expect(holes(zh[k]), k).toEqual(holes(en[k]))
})
