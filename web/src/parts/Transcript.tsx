import { Button } from '@mantine/core'
import { IconArrowDown } from '@tabler/icons-react'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type RefObject } from 'react'
import { kept, useStore, type Store } from '../app/store'
import { heardAt, isLine } from '../app/words'
import { useT } from '../i18n'
import type { Segment } from '../protocol'
import { TranscriptLine } from './TranscriptLine'

/** Who reads the page by ear chooses whether new words are read to them: in a call they would speak over it. */
export const readAloud = kept('ivrd.read-words', 'off')

interface Props {
  segments: readonly Segment[]
  me: string
  /** It grows at its end. */
  live?: boolean
  /** Where the sound is that is played, in milliseconds. */
  position?: Store<number>
  onPick?: ((ms: number) => void) | undefined
}

/** Lines of a live talk that are shown unless more are asked for: a page lays out all of them for each word that comes. */
const MANY = 200

/** The lines of a talk in a box of their own, which shows the newest, or what is heard, until its reader scrolls away. */
export function Transcript({ segments, me, live, position, onPick }: Props) {
  const t = useT()
  const aloud = useStore(readAloud) === 'on'
  const box = useRef<HTMLDivElement>(null)
  const lines = useMemo(() => segments.filter(isLine), [segments])
  const [all, setAll] = useState(false)
  const shown = live && !all ? lines.slice(-MANY) : lines
  const heard = useHeard(lines, position)
  const end = useFollowEnd(box, live ? lines : null)
  const sound = useFollowSound(box, heard)
  const away = live ? end : sound
  const active = new Set(heard.split(' '))
  return (
    <div className="talk">
      <div className="talk-box" ref={box} tabIndex={0} role="log" aria-live={live && aloud ? 'polite' : 'off'} aria-label={t('talk.title')} data-testid="transcript">
        {shown.length < lines.length && <Button variant="subtle" fullWidth data-testid="earlier-words" onClick={() => setAll(true)}>{t('talk.earlier', { n: lines.length - shown.length })}</Button>}
        <ol className="said-list">
          {shown.map((s) => <TranscriptLine key={s.seq} s={s} me={me} position={position} active={active.has(String(s.seq))} onPick={onPick} />)}
        </ol>
      </div>
      {away && <Button className="talk-new" size="compact-sm" radius="xl" data-testid="to-new-words" rightSection={<IconArrowDown size={14} />} onClick={away}>{t(live ? 'talk.newWords' : 'talk.toSound')}</Button>}
    </div>
  )
}

function useHeard(lines: readonly Segment[], position: Store<number> | undefined): string {
  const subscribe = useCallback((f: () => void) => position?.subscribe(f) ?? (() => undefined), [position])
  return useSyncExternalStore(subscribe, () => (position ? heardAt(lines, position.get()) : ''))
}

/** Within so many pixels of the end one is at it. */
const NEAR_PX = 24

/** Keeps the end in sight unless the reader has scrolled up; then it gives a way back as soon as there is something new. */
function useFollowEnd(box: RefObject<HTMLDivElement | null>, lines: readonly Segment[] | null): (() => void) | undefined {
  const atEnd = useRef(true)
  const [unseen, setUnseen] = useState(false)
  const toEnd = useCallback(() => {
    const b = box.current
    if (b) b.scrollTop = b.scrollHeight
  }, [box])
  useEffect(() => {
    const b = box.current
    if (!b || lines === null) return
    const look = () => {
      atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < NEAR_PX
      if (atEnd.current) setUnseen(false)
    }
    // A box that becomes lower, as when a phone is turned, must not lose its end.
    const watch = new ResizeObserver(() => atEnd.current && toEnd())
    b.addEventListener('scroll', look, { passive: true })
    watch.observe(b)
    return () => {
      b.removeEventListener('scroll', look)
      watch.disconnect()
    }
  }, [box, lines === null, toEnd])
  useLayoutEffect(() => {
    if (lines === null || lines.length === 0) return
    if (atEnd.current) toEnd()
    else setUnseen(true)
  }, [lines, toEnd])
  return unseen ? toEnd : undefined
}

/** Keeps the line that is heard in sight until the reader scrolls by themselves. */
function useFollowSound(box: RefObject<HTMLDivElement | null>, heard: string): (() => void) | undefined {
  const [away, setAway] = useState(false)
  useEffect(() => {
    const b = box.current
    if (!b) return
    const leave = () => setAway(true)
    const keys = (e: KeyboardEvent) => /^(Arrow(Up|Down)|Page|Home|End)/.test(e.key) && leave()
    b.addEventListener('wheel', leave, { passive: true })
    b.addEventListener('touchmove', leave, { passive: true })
    b.addEventListener('keydown', keys)
    return () => {
      b.removeEventListener('wheel', leave)
      b.removeEventListener('touchmove', leave)
      b.removeEventListener('keydown', keys)
    }
  }, [box])
  useEffect(() => {
    const b = box.current
    const line = b?.querySelector<HTMLElement>('[aria-current]')
    if (!b || !line || away) return
    const [top, bottom] = [line.offsetTop - b.offsetTop, line.offsetTop - b.offsetTop + line.offsetHeight]
    if (top < b.scrollTop || bottom > b.scrollTop + b.clientHeight) b.scrollTop = top - b.clientHeight / 3
  }, [box, heard, away])
  return away && heard ? () => setAway(false) : undefined
}
