// Looks at every page with the mock's data: pictures in both languages and sizes, axe-core, and what the browser refuses
// by the policy.   node dev/look.mjs <folder for the pictures> [port]
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { launch, tid } from './browser.mjs'

// Without a Chinese font on the machine: LOOK_FONT=<woff2 file>.
const font = process.env.LOOK_FONT ? readFileSync(process.env.LOOK_FONT).toString('base64') : ''
const out = process.argv[2] ?? '/tmp/ivrd-look'
const base = `http://127.0.0.1:${process.argv[3] ?? 8099}`
mkdirSync(out, { recursive: true })
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const browser = await launch()
let faults = 0
const say = (...a) => { faults++; console.log(...a) }

async function look(page, name) {
  await page.waitForTimeout(400)
  await page.screenshot({ path: `${out}/${name}.png` })
  await page.evaluate(axe + '\n;void 0').catch(() => {})
  const found = await page.evaluate(() => window.axe?.run(document, { resultTypes: ['violations'] }))
  for (const v of found?.violations ?? []) {
    const line = `${name}: ${v.impact} ${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).slice(0, 4).join(' | ')}`
    if (v.impact === 'serious' || v.impact === 'critical') say(line)
    else console.log('  (' + line + ')')
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  if (wide > 0) say(`${name}: ${wide} px too wide`)
}

const post = (page, path, body) => page.evaluate(([p, b]) => fetch('/api/v1' + p, { method: 'POST', body: JSON.stringify(b ?? {}) }).then((r) => r.status), [path, body])

const feel = (arousal, valence) => ({ label: 'unknown', confidence: 0, method: 'rules-v1', scores: {}, arousal: { value: arousal, confidence: 0.6 }, valence: { value: valence, confidence: 0.5 } })

async function run(size, language, scheme) {
  const context = await browser.newContext({ viewport: size, locale: language, colorScheme: scheme, permissions: ['microphone'], bypassCSP: false })
  const tag = `${language.slice(0, 2)}-${scheme}-${size.width}`
  if (font) await context.addInitScript((b) => {
    const f = new FontFace('Noto Sans SC', Uint8Array.from(atob(b), (c) => c.charCodeAt(0)))
    void f.load().then((x) => document.fonts.add(x))
  }, font)
  const page = await context.newPage()
  page.on('console', (m) => /Content Security|Refused|violates/i.test(m.text()) && say(`${tag}: ${m.text()}`))
  page.on('pageerror', (e) => say(`${tag}: ${e.stack}`))
  const shot = (n) => look(page, `${n}-${tag}`)

  await page.goto(base + '/')
  await shot('signin')
  await page.goto(base + '/phone')
  await page.waitForTimeout(800)
  await shot('phone')
  await page.goto(base + '/')
  await tid(page, 'signin-as-alice').click()
  await tid(page, 'agent-state').waitFor()
  await page.waitForTimeout(800)
  await shot('desk-idle')
  await tid(page, 'agent-state').click()
  await shot('desk-state-menu')
  await tid(page, 'state-ready').click()
  await tid(page, 'sound-status').click()
  await shot('desk-sound')
  await page.keyboard.press('Escape')
  await post(page, '/mock/ring/alice')
  await tid(page, 'ring').waitFor({ timeout: 5000 })
  await shot('desk-ring')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => window.ivrd.phone.state === 'talking', null, { timeout: 5000 })
  await page.waitForTimeout(500)
  const call = await page.evaluate(() => window.ivrd.phone.callId)
  await post(page, `/mock/say/${call}`, { seq: 20, final: false, text: 'and can you also tell me' })
  await page.getByText('and can you also').waitFor()
  await shot('desk-call')
  await page.getByTestId('transcript').evaluate((e) => { e.scrollTop = 0 })
  await post(page, `/mock/say/${call}`, { seq: 20, text: 'And can you also tell me when it comes?' })
  await tid(page, 'to-new-words').waitFor()
  await shot('desk-call-above')
  await page.keyboard.press('m')
  await page.keyboard.press('h')
  await page.keyboard.press('t')
  await shot('desk-transfer')
  await page.keyboard.press('k')
  await shot('desk-keypad')
  await page.keyboard.press('e')
  await tid(page, 'wrapup').waitFor({ timeout: 5000 })
  await tid(page, 'disposition').click()
  await shot('desk-wrapup')
  await page.keyboard.press('Escape')
  await tid(page, 'wrapup-done').click()
  await page.waitForFunction(() => window.ivrd.events.getState().agents.get('alice').state === 'ready', null, { timeout: 5000 })
  await page.goto(base + '/monitor')
  await shot('no-permission')
  await page.goto(base + '/calls')
  await tid(page, 'filter-since').waitFor()
  await shot('calls')
  await tid(page, 'filter-agent').click()
  await shot('calls-filter')
  await page.keyboard.press('Escape')
  await page.locator('[data-testid^=call-row-] a').first().click()
  await tid(page, 'play').click()
  await tid(page, 'track-caller').waitFor({ timeout: 8000 })
  await tid(page, 'line-9').locator('.what').click()
  await page.waitForTimeout(700)
  await shot('call')
  await page.goBack()
  await page.locator('[data-testid^=call-row-] a').nth(9).click()
  await tid(page, 'not-transcribed').waitFor()
  await shot('call-menus')
  await context.clearCookies()
  await page.goto(base + '/')
  await tid(page, 'signin-as-sue').click()
  await page.locator('[data-testid^=live-call-]').first().waitFor()
  await page.waitForTimeout(800)
  for (const s of [{ seq: 1, start_ms: 0, text: 'hello', emotion: feel(0.5, 0) }, { seq: 2, start_ms: 9_000, text: 'my card', emotion: feel(0.7, -0.4) }, { seq: 3, start_ms: 20_000, text: 'This is outrageous, and the third time that I call you about it!', emotion: feel(0.9, -0.8) }]) {
    await post(page, '/mock/say/PS170000000000000001', { ...s, end_ms: s.start_ms + 3_000 })
  }
  await page.getByText('This is outrageous').waitFor()
  await shot('monitor')
  await tid(page, 'live-call-PS170000000000000001').click()
  await tid(page, 'mode-listen').click()
  await shot('monitor-reason')
  await tid(page, 'reason').fill('complaint')
  await tid(page, 'reason-go').click()
  await page.waitForFunction(() => window.ivrd.phone.state === 'talking', null, { timeout: 5000 })
  await shot('monitor-listen')
  await tid(page, 'mode-whisper').click()
  await shot('monitor-whisper')
  await tid(page, 'mode-stop').click()
  await page.waitForTimeout(500)
  await page.goto(base + '/agent')
  await context.close()
}

await run({ width: 1280, height: 800 }, 'en-GB', 'light')
await run({ width: 390, height: 844 }, 'en-GB', 'dark')
await run({ width: 1280, height: 800 }, 'zh-CN', 'dark')
await run({ width: 390, height: 844 }, 'zh-CN', 'light')
await browser.close()
console.log(faults ? `${faults} faults` : 'well')
process.exit(faults ? 1 : 0)
