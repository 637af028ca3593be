const KEY = 'ivrd.instance'

const draw = () => crypto.randomUUID?.() ?? fallback()

// randomUUID is there in secure contexts only.
function fallback(): string {
  const b = crypto.getRandomValues(new Uint8Array(16))
  b[6] = (b[6]! & 0x0f) | 0x40
  b[8] = (b[8]! & 0x3f) | 0x80
  const h = [...b].map((x) => x.toString(16).padStart(2, '0')).join('')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}

/** Whether this tab was a telephone before it was loaded again. */
export const wasPhone = (storage: Storage = sessionStorage): boolean => storage.getItem(KEY) !== null

/**
 * The instance of this tab: the same after a reload, another in every other tab. A duplicated tab comes with a copy of
 * sessionStorage, so the name is held by a lock as long as the tab lives, and who cannot have it draws a new one.
 */
export async function tabInstance(storage: Storage = sessionStorage): Promise<string> {
  const kept = storage.getItem(KEY)
  // A reload may come before the lock of the page before is gone.
  if (kept && ((await hold(kept)) || (await wait(150), await hold(kept)))) return kept
  const id = draw()
  storage.setItem(KEY, id)
  await hold(id)
  return id
}

const wait = (ms: number) => new Promise((r) => setTimeout(r, ms))

function hold(id: string): Promise<boolean> {
  const locks = globalThis.navigator?.locks
  if (!locks) return Promise.resolve(true)
  return new Promise((resolve) => {
    locks
      .request(`ivrd-tab-${id}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null)
        return lock === null ? undefined : new Promise(() => {})
      })
      .catch(() => resolve(true))
  })
}
