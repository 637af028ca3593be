import { useEffect, useRef } from 'react'
import { audioContext } from '../app/clients'

const EVERY_MS = 80
/** What is shown as an empty bar, in dB of full scale. */
const FLOOR_DB = -60

/** How loud a stream is. It draws past React: a bar that moves is no change of state. */
export function LevelMeter({ stream, label }: { stream: MediaStream | null; label: string }) {
  const bar = useRef<HTMLDivElement>(null)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!stream || stream.getAudioTracks().length === 0) return
    const context = audioContext()
    void context.resume()
    const source = context.createMediaStreamSource(stream)
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    source.connect(analyser)
    const samples = new Float32Array(analyser.fftSize)
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      const part = levelOf(samples)
      if (bar.current) bar.current.style.transform = `scaleX(${part})`
      box.current?.setAttribute('aria-valuenow', String(Math.round(part * 100)))
    }, EVERY_MS)
    return () => {
      clearInterval(timer)
      source.disconnect()
      if (bar.current) bar.current.style.transform = 'scaleX(0)'
    }
  }, [stream])
  return (
    <div className="meter grow" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={0} ref={box}>
      <div ref={bar} />
    </div>
  )
}

/** From 0 (silence) to 1 (full scale), by the decibel. */
function levelOf(samples: Float32Array): number {
  let sum = 0
  for (const x of samples) sum += x * x
  const db = 10 * Math.log10(sum / samples.length + 1e-9)
  return Math.min(1, Math.max(0, (db - FLOOR_DB) / -FLOOR_DB))
}
