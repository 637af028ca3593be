// What an agent has written and not sent, and the call that it is about, kept in the tab over a reload.

const PREFIX = 'ivrd.draft.'
const OWNER = 'ivrd.draft-owner'

export function readDraft<T>(name: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? 'null') as T | null
  } catch {
    return null
  }
}

export function writeDraft(name: string, value: unknown): void {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    // Full or refused: what is on the screen is saved by the server all the same.
  }
}

export function clearDrafts(): void {
  for (const k of Object.keys(sessionStorage)) if (k.startsWith(PREFIX)) sessionStorage.removeItem(k)
}

/** A tab that somebody else signs in at shows nothing of who was there before. */
export function draftsOf(person: string): void {
  if (sessionStorage.getItem(OWNER) === person) return
  clearDrafts()
  sessionStorage.setItem(OWNER, person)
}
