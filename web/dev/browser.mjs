// What the scripts that drive the pages share: a browser with a false microphone, and what a page shows and hears.
import { chromium } from 'playwright-core'

export const launch = () => chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
})

export const tid = (page, id) => page.getByTestId(id)

export const state = (page, want, timeout = 8000) => page.waitForFunction((w) => window.ivrd.phone.state === w, want, { timeout })

// loud is the loudest sample that a page hears in 2.5 s.
export const loud = (page) => page.evaluate(async () => {
  const c = new AudioContext()
  const a = c.createAnalyser()
  c.createMediaStreamSource(window.ivrd.phone.remoteStream).connect(a)
  let most = 0
  const b = new Float32Array(a.fftSize)
  for (let i = 0; i < 50; i++) {
    await new Promise((r) => setTimeout(r, 50))
    a.getFloatTimeDomainData(b)
    most = Math.max(most, ...b.map(Math.abs))
  }
  await c.close()
  return most
})
