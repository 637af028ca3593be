export interface Microphone {
  stream: MediaStream
  /** True when no microphone could be had and the stream is silence. */
  silent: boolean
}

export class MicrophoneError extends Error {
  constructor(readonly reason: 'denied' | 'missing' | 'insecure' | 'busy') {
    super(reason)
    this.name = 'MicrophoneError'
  }
}

/** What to ask of the microphone. Processing eats the tones that tests play: raw switches it off. */
export function constraints(device: string | undefined, raw: boolean): MediaTrackConstraints {
  return {
    ...(device ? { deviceId: { ideal: device } } : {}),
    channelCount: 1,
    echoCancellation: !raw,
    noiseSuppression: !raw,
    autoGainControl: !raw,
  }
}

export async function openMicrophone(device: string | undefined, raw: boolean): Promise<MediaStream> {
  if (!globalThis.navigator?.mediaDevices) throw new MicrophoneError('insecure')
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: constraints(device, raw) })
  } catch (e) {
    const name = e instanceof DOMException ? e.name : ''
    if (name === 'NotAllowedError' || name === 'SecurityError') throw new MicrophoneError('denied')
    if (name === 'NotFoundError' || name === 'OverconstrainedError') throw new MicrophoneError('missing')
    throw new MicrophoneError('busy')
  }
}

/** For who may listen without a microphone: a stream that holds silence, so that the call has two directions. */
export function silence(context: AudioContext): MediaStream {
  return context.createMediaStreamDestination().stream
}
