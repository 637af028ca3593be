import { useSyncExternalStore } from 'react'
import { Api, Events, Phone, tabInstance, Transcripts, type EventsState, type Me, type PhoneSnapshot, type Site } from '../protocol'
import { clearDrafts, draftsOf, readDraft, writeDraft } from './drafts'
import { kept, Store } from './store'

export const raw = new URLSearchParams(location.search).get('raw') === '1'

export const microphone = kept('ivrd.microphone', '')
export const speaker = kept('ivrd.speaker', '')
export const ringer = kept('ivrd.ringer', '')

export const api = new Api()

export type Session = { status: 'unknown' } | { status: 'out'; ended?: boolean } | { status: 'in'; me: Me } | { status: 'error' }
export const session = new Store<Session>({ status: 'unknown' })
export const site = new Store<Site | null>(null)

let context: AudioContext | null = null
export function audioContext(): AudioContext {
  return (context ??= new AudioContext())
}

function player(name: string): () => HTMLAudioElement {
  const a = document.createElement('audio')
  a.autoplay = true
  a.dataset.testid = name
  document.body.append(a)
  return () => a
}

let instance: Promise<string> | undefined

const phoneParts = { instance: () => (instance ??= tabInstance()), context: audioContext, microphone: () => microphone.get() || undefined, raw }

const mutedCall = {
  get: () => readDraft<string>('muted'),
  set: (id: string | null) => writeDraft('muted', id),
}

/** The phone of who is signed in. */
export const phone = new Phone({ ...phoneParts, mutedCall, audio: player('remote-audio'), secret: () => api.phone() })

export const demoNumber = kept('ivrd.demo.number', '+8613800138000')
/** The phone of a caller who is nobody. */
export const demoPhone = new Phone({ ...phoneParts, audio: player('demo-audio'), secret: () => api.demoPhone(demoNumber.get()) })

/** What is said in calls. */
export const transcripts = new Transcripts({ load: api.transcript, frame: requestAnimationFrame.bind(globalThis) })

const eventsUrl = () => location.origin.replace(/^http/, 'ws') + '/api/v1/events'

export const events = new Events({
  open: () => new WebSocket(eventsUrl()),
  signedIn: async () => {
    await api.me()
    return session.get().status === 'in'
  },
  heard: transcripts.take,
})

export const usePhone = (p: Phone = phone): PhoneSnapshot => useSyncExternalStore(p.subscribe, p.getState)
export const useEvents = (): EventsState => useSyncExternalStore(events.subscribe, events.getState)

api.onSignedOut = () => signedOut(session.get().status === 'in')

function signedOut(ended: boolean): void {
  events.stop()
  transcripts.clear()
  phone.stop()
  session.set({ status: 'out', ended })
}

events.subscribe(() => {
  if (events.getState().status === 'signed-out') signedOut(true)
  const me = events.getState().me
  const s = session.get()
  if (me && s.status === 'in' && s.me !== me) session.set({ status: 'in', me })
})

export function signedIn(me: Me): void {
  draftsOf(me.name)
  session.set({ status: 'in', me })
  events.start()
}

/** Loads what the page needs to know before it shows anything. */
export async function load(): Promise<void> {
  session.set({ status: 'unknown' })
  const [s, me] = await Promise.allSettled([api.site(), api.me()])
  if (s.status === 'fulfilled') site.set(s.value)
  if (me.status === 'fulfilled') return signedIn(me.value)
  if (session.get().status !== 'out') session.set({ status: 'error' })
}

export async function signOut(): Promise<void> {
  events.stop()
  phone.stop()
  await api.logout().catch(() => undefined)
  clearDrafts()
  // A new page: nothing of who was signed in stays in memory.
  location.assign('/')
}

addEventListener('online', () => {
  events.hurry()
  phone.hurry()
  demoPhone.hurry()
})
speaker.subscribe(() => void phone.useSpeaker(speaker.get()))
microphone.subscribe(() => void phone.useMicrophone(microphone.get() || undefined))
if (speaker.get()) void phone.useSpeaker(speaker.get()).catch(() => undefined)

/** For tests by a browser, and for who looks for a fault. */
export function expose(p: Phone): void {
  Object.assign(window, { ivrd: { phone: p, events, api } })
}

expose(location.pathname === '/phone' ? demoPhone : phone)

export const may = (me: Me | null | undefined, right: keyof Me['rights']): boolean => Boolean(me?.rights?.[right])
