import { Select, Textarea } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { api, site } from '../app/clients'
import { readDraft, writeDraft } from '../app/drafts'
import { useStore } from '../app/store'
import { useT, wordFor } from '../i18n'
import { whyOf } from './bits'

const SAVE_AFTER_MS = 800

interface Draft {
  disposition: string
  notes: string
  /** The server does not have it yet. */
  unsaved?: boolean
}

/** What an agent writes of a call; saved by itself, and kept in the tab over a reload. */
export function useNotes(id: string | null) {
  const [draft, set] = useState<Draft>(() => read(id))
  const [status, setStatus] = useState<'' | 'saving' | 'saved' | { why: string }>('')
  const latest = useRef(draft)
  const dirty = useRef(draft.unsaved ?? false)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)

  const save = useCallback(async () => {
    clearTimeout(timer.current)
    if (!dirty.current || !id) return
    dirty.current = false
    setStatus('saving')
    try {
      const sent = latest.current
      await api.saveNotes(id, sent.disposition, sent.notes)
      if (!dirty.current) writeDraft(`notes.${id}`, { ...sent, unsaved: false })
      setStatus('saved')
    } catch (e) {
      dirty.current = true
      setStatus({ why: whyOf(e) })
    }
  }, [id])

  const change = (patch: Partial<Draft>) => {
    latest.current = { ...latest.current, ...patch, unsaved: true }
    dirty.current = true
    set(latest.current)
    writeDraft(`notes.${id}`, latest.current)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => void save(), SAVE_AFTER_MS)
  }
  useEffect(() => {
    if (!id || dirty.current) return
    let current = true
    // What somebody has written before, or this person in another browser: it must not be written over unseen.
    api.call(id).then((c) => {
      if (!current || dirty.current) return
      latest.current = { disposition: c.disposition ?? '', notes: c.notes ?? '' }
      set(latest.current)
    }).catch(() => undefined)
    return () => { current = false }
  }, [id])
  useEffect(() => {
    // What a reload or a lost network left unsaved.
    void save()
    return () => void save()
  }, [save])
  return { draft, change, save, status }
}

const read = (id: string | null): Draft => ({ disposition: '', notes: '', ...(id ? readDraft<Partial<Draft>>(`notes.${id}`) : {}) })

export function NotesForm({ n }: { n: ReturnType<typeof useNotes> }) {
  const t = useT()
  const dispositions = useStore(site)?.dispositions ?? []
  return (
    <div className="stack">
      <Select
        label={t('wrap.disposition')} placeholder={t('wrap.dispositionPick')} searchable clearable data-testid="disposition"
        nothingFoundMessage={t('wrap.noDisposition')} value={n.draft.disposition || null} onChange={(v) => n.change({ disposition: v ?? '' })}
        data={dispositions.map((d) => ({ value: d, label: wordFor(t, 'disposition', d) }))}
      />
      <Textarea
        label={t('wrap.notes')} placeholder={t('wrap.notesHint')} autosize minRows={3} maxRows={10} data-testid="notes"
        value={n.draft.notes} onChange={(e) => n.change({ notes: e.currentTarget.value })}
      />
      <p className={typeof n.status === 'object' ? 'tone-bad small' : 'quiet small'} role="status">
        {typeof n.status === 'object' ? t('wrap.unsaved', { why: n.status.why }) : n.status ? t(`wrap.${n.status}`) : '\u00a0'}
      </p>
    </div>
  )
}
