import { useCallback, useEffect, useSyncExternalStore } from 'react'
import type { Talk } from '../protocol'
import { transcripts } from './clients'

/** What is known of a call's words, without asking for more. */
export function useGlimpse(id: string): Talk {
  const subscribe = useCallback((f: () => void) => transcripts.subscribe(id, f), [id])
  return useSyncExternalStore(subscribe, () => transcripts.get(id))
}

/** All the words of a call, asked for while it is looked at. */
export function useTalk(id: string): Talk {
  const talk = useGlimpse(id)
  useEffect(() => transcripts.watch(id), [id])
  return talk
}
