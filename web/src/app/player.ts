import type { Track } from '../protocol'
import { speaker } from './clients'

/** The rate of recordings; decoding to the sound card's would take six times the memory. */
const RATE_HZ = 8_000

export interface Sound {
  track: Track
  buffer: AudioBuffer
}

/** Decodes a recording at its own rate. */
export function decode(wav: ArrayBuffer): Promise<AudioBuffer> {
  return new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(wav)
}

export const hasSound = (b: AudioBuffer): boolean => b.getChannelData(0).some((x) => x !== 0)

/** The loudest sample of each of n stretches, 0 to 1. */
export function peaks(b: AudioBuffer, n: number, totalSeconds: number): Float32Array {
  const data = b.getChannelData(0)
  const step = (totalSeconds * b.sampleRate) / n
  const out = new Float32Array(n)
  for (let i = 0; i < n; i++) {
    const to = Math.min(data.length, Math.floor((i + 1) * step))
    for (let j = Math.floor(i * step); j < to; j++) {
      const v = Math.abs(data[j]!)
      if (v > out[i]!) out[i] = v
    }
  }
  return out
}

/** Player plays the tracks of one call together; each can be silenced. */
export class Player {
  readonly duration: number
  private readonly context = new AudioContext()
  private readonly gains = new Map<Track, GainNode>()
  private sources: AudioBufferSourceNode[] = []
  private offset = 0
  private started = 0
  playing = false
  onchange: () => void = () => {}

  constructor(private readonly sounds: Sound[]) {
    this.duration = Math.max(0, ...sounds.map((s) => s.buffer.duration))
    const c = this.context as AudioContext & { setSinkId?: (id: string) => Promise<void> }
    if (speaker.get()) void c.setSinkId?.(speaker.get()).catch(() => undefined)
    for (const s of sounds) {
      const g = this.context.createGain()
      g.connect(this.context.destination)
      this.gains.set(s.track, g)
    }
  }

  position(): number {
    const p = this.playing ? this.offset + this.context.currentTime - this.started : this.offset
    return Math.min(this.duration, Math.max(0, p))
  }

  async play(): Promise<void> {
    if (this.playing) return
    await this.context.resume()
    if (this.offset >= this.duration) this.offset = 0
    this.begin()
  }

  pause(): void {
    this.offset = this.position()
    this.silence()
    this.onchange()
  }

  seek(seconds: number): void {
    const was = this.playing
    this.silence()
    this.offset = Math.min(this.duration, Math.max(0, seconds))
    if (was) this.begin()
    else this.onchange()
  }

  setOn(track: Track, on: boolean): void {
    const g = this.gains.get(track)
    if (g) g.gain.value = on ? 1 : 0
  }

  close(): void {
    this.silence()
    void this.context.close()
  }

  private begin(): void {
    this.started = this.context.currentTime
    this.playing = true
    this.sources = this.sounds.filter((s) => this.offset < s.buffer.duration).map((s) => {
      const node = this.context.createBufferSource()
      node.buffer = s.buffer
      node.connect(this.gains.get(s.track)!)
      node.start(0, this.offset)
      return node
    })
    const longest = this.sources.reduce<AudioBufferSourceNode | null>((a, n) => (a && a.buffer!.duration >= n.buffer!.duration ? a : n), null)
    if (longest) longest.onended = () => this.sources.includes(longest) && this.pause()
    this.onchange()
  }

  private silence(): void {
    const old = this.sources
    this.sources = []
    this.playing = false
    for (const s of old) s.stop()
  }
}
