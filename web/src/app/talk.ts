import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import type { Segment, Talk } from '../protocol'
import { transcripts } from './clients'
import { pointsOf, samePoints, type Point } from './feelings'

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

/** What the caller's utterances expressed. */
export function usePoints(segments: readonly Segment[]): readonly Point[] {
  const points = useRef<readonly Point[]>([])
  const read = useRef<readonly Segment[]>([])
  if (read.current !== segments) {
    points.current = samePoints(points.current, pointsOf(segments))
    read.current = segments
  }
  return points.current
}
