import { expect, test, vi } from 'vitest'
import { Api, isProblem, Problem } from './api'

function answers(status: number, body: unknown, headers: Record<string, string> = {}) {
  return vi.fn(async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers }))
}

const caught = (p: Promise<unknown>) => p.then(() => null, (e: unknown) => e)

test('a query leaves out what is empty', async () => {
  const fetch = answers(200, { calls: [] })
  await new Api({ fetch }).calls({ queue: '', agent: 'alice', limit: 50 })
  expect(fetch.mock.calls[0]).toMatchObject(['/api/v1/calls?agent=alice&limit=50', { method: 'GET' }])
})

test('a body is JSON, and an answer without one is no fault', async () => {
  const fetch = answers(204, undefined)
  await new Api({ fetch }).transfer('PS1', { queue: 'payments' })
  expect(fetch.mock.calls[0]).toMatchObject(['/api/v1/calls/PS1/transfer', { method: 'POST', body: '{"queue":"payments"}', headers: { 'Content-Type': 'application/json' } }])
})

test('a problem is told by slug, with its fields', async () => {
  const fetch = answers(400, { type: 'urn:ivrd:problem:bad-parameter', status: 400, detail: 'A parameter is not valid.', errors: [{ name: 'limit', detail: 'Give a number.' }] })
  const e = await caught(new Api({ fetch }).calls({}))
  expect(isProblem(e, 'bad-parameter')).toBe(true)
  expect((e as Problem).fields).toEqual([{ name: 'limit', detail: 'Give a number.' }])
})

test('Retry-After and answers of a proxy', async () => {
  const e = await caught(new Api({ fetch: answers(503, 'busy', { 'Retry-After': '7' }) }).site())
  expect(e).toMatchObject({ slug: 'unknown', status: 503, retryAfter: 7 })
})

test('a 401 signs out, but not that of a login', async () => {
  const out = vi.fn()
  await caught(new Api({ fetch: answers(401, { type: 'urn:ivrd:problem:login' }), onSignedOut: out }).login('a', 'b'))
  expect(out).not.toHaveBeenCalled()
  await caught(new Api({ fetch: answers(401, { type: 'urn:ivrd:problem:sign-in' }), onSignedOut: out }).me())
  expect(out).toHaveBeenCalledOnce()
})

test('a network that is away is a problem like others', async () => {
  const e = await caught(new Api({ fetch: async () => { throw new TypeError('failed') } }).site())
  expect(isProblem(e, 'network')).toBe(true)
})
