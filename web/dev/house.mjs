// The pages with the server itself, in its demo: a caller, alice and bob, and sue who monitors.
// node dev/house.mjs <folder for the pictures> <port of the server>     Takes about a minute.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const out = process.argv[2] ?? '/tmp/ivrd-house'
const base = `http://127.0.0.1:${process.argv[3] ?? 8080}`
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
})
const tid = (page, id) => page.getByTestId(id)
const state = (page, want, timeout = 8000) => page.waitForFunction((w) => window.ivrd.phone.state === w, want, { timeout })
const shot = (page, name) => page.screenshot({ path: `${out}/${name}.png` })
const loud = (page) => page.evaluate(async () => {
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
const hears = async (page, want, what) => {
  const l = await loud(page)
  console.log(`${what}: ${l.toFixed(3)}`)
  assert.equal(l > 0.02, want, what)
}
const open = async (path, context) => {
  const page = await (context ?? await browser.newContext({ permissions: ['microphone'], locale: 'en-GB' })).newPage()
  page.on('pageerror', (e) => console.log('page error', e))
  page.on('console', (m) => /Content Security|violates/i.test(m.text()) && console.log(m.text()))
  await page.goto(base + path)
  return page
}
const enter = async (name) => {
  const page = await open('/?raw=1')
  await tid(page, `signin-as-${name}`).click()
  await state(page, 'ready')
  return page
}

const alice = await enter('alice')
await tid(alice, 'go-ready').click()
const sue = await enter('sue')
const caller = await open('/phone?raw=1')
await state(caller, 'ready')
await tid(caller, 'phone-call-1000').click()
await state(caller, 'talking')
await caller.waitForTimeout(1500)
for (const k of ['1', '0']) {
  await tid(caller, `phone-key-${k}`).click()
  await caller.waitForTimeout(k === '1' ? 6000 : 500)
}
await tid(alice, 'ring').waitFor({ timeout: 25000 })
await shot(alice, 'ring')
await alice.keyboard.press('Enter')
await state(alice, 'talking')
await hears(alice, true, 'alice hears the caller')
await hears(caller, true, 'the caller hears alice')
await shot(alice, 'call')

await alice.keyboard.press('h')
await alice.waitForFunction(() => [...window.ivrd.events.getState().calls.values()].some((c) => c.state === 'held'), null, { timeout: 3000 })
await hears(alice, false, 'on hold alice hears')
await shot(alice, 'hold')
await alice.keyboard.press('h')

const id = await alice.evaluate(() => window.ivrd.phone.callId)
await tid(sue, `live-call-${id}`).click()
await tid(sue, 'mode-listen').click()
await tid(sue, 'reason').fill('quality')
await tid(sue, 'reason-go').click()
await state(sue, 'talking')
await hears(sue, true, 'sue hears them')
await shot(sue, 'listen')
await shot(alice, 'listened-to')
for (const m of ['whisper', 'barge']) {
  await tid(sue, `mode-${m}`).click()
  await sue.waitForFunction((w) => document.querySelector(`[data-testid=mode-${w}]`)?.getAttribute('aria-pressed') === 'true', m, { timeout: 3000 })
  console.log(m, '-', await tid(sue, 'mode-heard').innerText())
}
await tid(sue, 'mode-stop').click()
await state(sue, 'ready')

await tid(alice, 'mute').click()
const reloaded = Date.now()
await alice.reload()
await state(alice, 'talking')
console.log('alice is back after', Date.now() - reloaded, 'ms, muted:', await alice.evaluate(() => window.ivrd.phone.getState().muted))
await tid(alice, 'mute').click()
await hears(caller, true, 'the caller hears alice after the reload')

const second = await open('/agent?raw=1', alice.context())
await state(second, 'ready')
await tid(second, 'move-here').click({ timeout: 6000 })
await state(second, 'talking')
await state(alice, 'moved')
await hears(caller, true, 'the caller hears the second tab')
await shot(alice, 'elsewhere')
await tid(alice, 'move-here').click({ timeout: 6000 })
await state(alice, 'talking')
await state(second, 'moved')
await second.close()

await tid(alice, 'notes').fill('Asked for a person at once.')
await tid(caller, 'phone-hangup').click()
await tid(alice, 'wrapup').waitFor({ timeout: 5000 })
await tid(alice, 'disposition').click()
await alice.getByRole('option').first().click()
await shot(alice, 'wrapup')
await tid(alice, 'wrapup-done').click()
await alice.waitForFunction(() => window.ivrd.events.getState().agents.get('alice')?.state === 'ready', null, { timeout: 5000 })

// A second call: alice gives it to fraud, bob answers, sue takes it over.
const bob = await enter('bob')
await tid(bob, 'go-ready').click()
await sue.bringToFront()
await tid(caller, 'phone-call-1000').click()
await state(caller, 'talking')
await caller.waitForTimeout(1500)
await tid(caller, 'phone-key-1').click()
await caller.waitForTimeout(6000)
await tid(caller, 'phone-key-0').click()
await tid(alice, 'ring').waitFor({ timeout: 25000 })
await tid(alice, 'ring-answer').click()
await state(alice, 'talking')
await alice.waitForTimeout(500)
await alice.keyboard.press('t')
await tid(alice, 'transfer-queue-fraud').click()
await tid(bob, 'ring').waitFor({ timeout: 15000 })
await tid(alice, 'wrapup').waitFor({ timeout: 5000 })
await tid(bob, 'ring-answer').click()
await state(bob, 'talking')
await hears(bob, true, 'bob hears the caller')
const given = await bob.evaluate(() => window.ivrd.phone.callId)
await tid(sue, `live-call-${given}`).click()
await tid(sue, 'mode-takeover').click()
await tid(sue, 'reason').fill('angry')
await tid(sue, 'reason-go').click()
await state(sue, 'talking')
await tid(bob, 'wrapup').waitFor({ timeout: 8000 })
await hears(caller, true, 'the caller hears sue')
console.log('takeover -', await tid(sue, 'mode-heard').innerText())
await shot(sue, 'takeover')
await tid(sue, 'mode-stop').click()
await state(sue, 'ready')
await state(caller, 'ready', 15000)

await sue.goto(`${base}/calls/${id}?raw=1`)
await tid(sue, 'play').waitFor({ timeout: 8000 })
await tid(sue, 'play').click()
await tid(sue, 'track-caller').waitFor({ timeout: 8000 })
await sue.waitForTimeout(1500)
await shot(sue, 'record')
await sue.goto(`${base}/calls`)
await tid(sue, `call-row-${id}`).waitFor({ timeout: 8000 })
await shot(sue, 'calls')
await sue.goto(`${base}/monitor`)
await sue.waitForTimeout(1000)
await shot(sue, 'monitor')
console.log('well')
await browser.close()
