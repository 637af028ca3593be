import { ringer } from './clients'

type Sinkable = AudioContext & { setSinkId?: (id: string) => Promise<void> }

// Two tones that a voice does not have, a second on and two off.
const TONES_HZ = [784, 988]
const PERIOD_MS = 3_000
const VOLUME = 0.12

/** Rings on the chosen device until the returned function is called. */
export function startRinging(): () => void {
  const context: Sinkable = new AudioContext()
  if (ringer.get()) void context.setSinkId?.(ringer.get()).catch(() => undefined)
  void context.resume()
  strike(context)
  const timer = setInterval(() => strike(context), PERIOD_MS)
  return () => {
    clearInterval(timer)
    void context.close()
  }
}

function strike(c: AudioContext): void {
  const gain = c.createGain()
  gain.connect(c.destination)
  for (let i = 0; i < 4; i++) {
    const from = c.currentTime + i * 0.25
    gain.gain.setValueAtTime(0, from)
    gain.gain.linearRampToValueAtTime(VOLUME, from + 0.02)
    gain.gain.linearRampToValueAtTime(0, from + 0.22)
    const tone = c.createOscillator()
    tone.frequency.value = TONES_HZ[i % 2]!
    tone.connect(gain)
    tone.start(from)
    tone.stop(from + 0.24)
  }
}

/** One stroke, to hear whether the device is right. */
export function ringOnce(): void {
  const stop = startRinging()
  setTimeout(stop, 1_200)
}
