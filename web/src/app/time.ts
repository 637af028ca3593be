import { useEffect, useState } from 'react'
import { events } from './clients'

/** The server's time, by its clock, renewed every second. */
export function useNow(every = 1000): number {
  const [now, set] = useState(serverNow)
  useEffect(() => {
    const t = setInterval(() => set(serverNow()), every)
    return () => clearInterval(t)
  }, [every])
  return now
}

export const serverNow = (): number => Date.now() + events.getState().ahead

/** 03:42, or 1:03:42. */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const [h, m, r] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(r)}` : `${two(m)}:${two(r)}`
}

/** Milliseconds since a time of the server; a time that is absent began now. */
export const since = (at: string | undefined, now: number): number => {
  const t = at ? Date.parse(at) : NaN
  return Number.isNaN(t) || t <= 0 ? 0 : Math.max(0, now - t)
}

/** The start of today in the viewer's zone. */
export function today(): string {
  const d = new Date()
  d.setHours(0, 0, 0, 0)
  return d.toISOString()
}
