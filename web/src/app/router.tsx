import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react'

const MOVED = 'ivrd:navigate'

function subscribe(f: () => void): () => void {
  addEventListener('popstate', f)
  addEventListener(MOVED, f)
  return () => {
    removeEventListener('popstate', f)
    removeEventListener(MOVED, f)
  }
}

/** The path and the query of the page. */
export function usePlace(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search)
}

/** `raw` and other switches of the whole page go along. */
export function navigate(to: string, o: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href)
  if (new URLSearchParams(location.search).get('raw') === '1') url.searchParams.set('raw', '1')
  if (o.replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  dispatchEvent(new Event(MOVED))
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (e: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(e)
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    e.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={follow} {...rest} />
}
