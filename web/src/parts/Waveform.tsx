import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { peaks, type Sound } from '../app/player'

const HEIGHT_PX = 48

/** One track as a picture. A click goes to its place; the slider above does the same by keys. */
export function Waveform({ sound, seconds, seek, dim }: { sound: Sound; seconds: number; seek: (s: number) => void; dim: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scheme = useComputedColorScheme('light')
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const c = canvas.current
    if (!c) return
    const watch = new ResizeObserver(() => setWidth(c.clientWidth))
    watch.observe(c)
    return () => watch.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, sound, seconds, width)
  }, [sound, seconds, width, scheme])
  return (
    <canvas
      ref={canvas} className={dim ? 'wave dim' : 'wave'} aria-hidden="true"
      onClick={(e) => seek((e.nativeEvent.offsetX / e.currentTarget.clientWidth) * seconds)}
    />
  )
}

function draw(c: HTMLCanvasElement, sound: Sound, seconds: number, width: number): void {
  const scale = devicePixelRatio || 1
  c.width = width * scale
  c.height = HEIGHT_PX * scale
  const g = c.getContext('2d')
  if (!g) return
  g.scale(scale, scale)
  g.fillStyle = getComputedStyle(c).color
  const tops = peaks(sound.buffer, width, seconds)
  for (let x = 0; x < width; x++) {
    // Square root: speech is quiet most of the time and would be a line.
    const h = Math.max(1, Math.sqrt(tops[x]!) * (HEIGHT_PX - 2))
    g.fillRect(x, (HEIGHT_PX - h) / 2, 1, h)
  }
}
