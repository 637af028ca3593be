// Two pages talk through the mock: who hears whom, keys, mute, move, and a lost socket.   node dev/talk.mjs [port]
import assert from 'node:assert/strict'
import { launch, loud, state, tid } from './browser.mjs'

const base = `http://127.0.0.1:${process.argv[2] ?? 8099}`
const browser = await launch()
const open = async (path, context) => {
  const page = await (context ?? await browser.newContext({ permissions: ['microphone'] })).newPage()
  page.on('pageerror', (e) => console.log('page error', e))
  await page.goto(base + path)
  return page
}

const desk = await open('/?raw=1')
await tid(desk, 'signin-name').fill('alice')
await tid(desk, 'signin-password').fill('demo')
await tid(desk, 'signin-submit').click()
await state(desk, 'ready')
await tid(desk, 'agent-state').click()
await tid(desk, 'state-ready').click()

const caller = await open('/phone?raw=1')
await state(caller, 'ready')
await tid(caller, 'phone-number').fill('+8613900139000')
await tid(caller, 'phone-call-1000').click()
await tid(desk, 'ring').waitFor({ timeout: 8000 })
assert.equal(await desk.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'ring-answer')
const began = Date.now()
await tid(desk, 'ring-answer').click()
await Promise.all([state(desk, 'talking'), state(caller, 'talking')])
console.log('answered after', Date.now() - began, 'ms')
const [heardByDesk, heardByCaller] = await Promise.all([loud(desk), loud(caller)])
console.log('heard', heardByDesk.toFixed(3), heardByCaller.toFixed(3))
assert(heardByDesk > 0.02 && heardByCaller > 0.02)

await tid(caller, 'phone-key-5').click()
await tid(desk, 'mute').click()
await desk.waitForTimeout(500)
const muted = await loud(caller)
console.log('muted', muted.toFixed(4))
assert(muted < 0.005)
await tid(desk, 'mute').click()

await desk.evaluate(() => fetch('/api/v1/mock/silence', { method: 'POST' }))
await desk.waitForFunction(() => window.ivrd.events.getState().status !== 'live', null, { timeout: 3000 })
await desk.waitForFunction(() => window.ivrd.events.getState().status === 'live', null, { timeout: 3000 })
console.log('events are back')

// Another tab of alice asks for the sound. The mock rings it with an offer of its own.
const second = await open('/agent?raw=1', desk.context())
await state(second, 'ready')
await tid(second, 'sound-elsewhere').waitFor({ timeout: 5000 })
await tid(caller, 'phone-hangup').click()
await tid(desk, 'wrapup').waitFor({ timeout: 5000 })
await state(caller, 'ready')
console.log('wrap-up after the caller hung up:', await tid(caller, 'phone-status').innerText())

// A call of the mock itself, to move it: its legs have no sound, but they come and go as the server's do.
await tid(desk, 'wrapup-done').click()
await second.evaluate(() => fetch('/api/v1/mock/ring/alice', { method: 'POST' }))
await tid(second, 'ring').waitFor({ timeout: 5000 })
await second.keyboard.press('Enter')
await state(second, 'talking')
await tid(second, 'mute').click()
await tid(desk, 'move-here').click({ timeout: 6000 })
await state(desk, 'talking')
await state(second, 'moved')
await tid(second, 'sound-elsewhere').waitFor({ timeout: 5000 })
console.log('moved')
await second.close()
await desk.waitForTimeout(500)
assert.equal(await desk.evaluate(() => window.ivrd.phone.state), 'talking')

// A reload: no BYE, and back by itself, muted as before.
await tid(desk, 'mute').click()
const bye = () => desk.evaluate(async () => (await (await fetch('/api/v1/mock/sip')).json()).filter((l) => l.startsWith('BYE')).length)
const byes = await bye()
await desk.reload()
const reloaded = Date.now()
await state(desk, 'talking')
console.log('back after the reload in', Date.now() - reloaded, 'ms')
await tid(desk, 'mute').waitFor()
await desk.waitForTimeout(300)
assert.equal(await desk.evaluate(() => window.ivrd.phone.getState().muted), true)
assert.equal(await bye(), byes)
assert.equal(await desk.evaluate(() => window.ivrd.phone.getState().soundBlocked), false)

// Typing is left alone by a ring.
await tid(desk, 'hangup').click()
await tid(desk, 'notes').click()
await desk.keyboard.type('abc mhk')
await desk.evaluate(() => fetch('/api/v1/mock/ring/alice', { method: 'POST' }))
await tid(desk, 'ring').waitFor({ timeout: 5000 })
await desk.keyboard.type(' def')
await desk.keyboard.press('Enter')
assert.equal(await desk.evaluate(() => window.ivrd.phone.state), 'ringing')
await tid(desk, 'ring-decline').click()
await state(desk, 'ready')
await tid(desk, 'user-menu').click()
await tid(desk, 'sign-out').click()
await tid(desk, 'signin-submit').waitFor({ timeout: 5000 })
assert.deepEqual(await desk.evaluate(() => Object.keys(sessionStorage).filter((k) => k.startsWith('ivrd.draft.'))), [])
console.log('well')
await browser.close()
