import { afterEach, expect, test, vi } from 'vitest'
import { tabInstance } from './tab'

class FakeStorage {
  private readonly m = new Map<string, string>()
  getItem = (k: string) => this.m.get(k) ?? null
  setItem = (k: string, v: string) => void this.m.set(k, v)
}

/** Locks as one browser has them, shared by its tabs. */
function locks() {
  const held = new Set<string>()
  return {
    request: async (name: string, _o: unknown, f: (lock: object | null) => unknown) => {
      if (held.has(name)) return f(null)
      held.add(name)
      return f({})
    },
  }
}

const storage = () => new FakeStorage() as unknown as Storage

afterEach(() => vi.unstubAllGlobals())

test('a tab keeps its name', async () => {
  vi.stubGlobal('navigator', {})
  const s = storage()
  const name = await tabInstance(s)
  expect(name).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
  expect(await tabInstance(s)).toBe(name)
})

test('a duplicate of a tab draws a name of its own, and keeps that', async () => {
  vi.stubGlobal('navigator', { locks: locks() })
  const first = storage()
  const copy = storage()
  const name = await tabInstance(first)
  copy.setItem('ivrd.instance', name)
  const other = await tabInstance(copy)
  expect(other).not.toBe(name)
  expect(copy.getItem('ivrd.instance')).toBe(other)
})
