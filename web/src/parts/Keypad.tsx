import { Button } from '@mantine/core'
import { useKeys } from '../app/keys'

const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#']

/** The keys of a telephone, also by the keyboard. */
export function Keypad({ press, disabled, testid = 'key' }: { press: (k: string) => void; disabled?: boolean; testid?: string }) {
  useKeys(disabled ? {} : Object.fromEntries(keys.map((k) => [k, () => press(k)])))
  return (
    <div className="keypad">
      {keys.map((k) => (
        <Button key={k} variant="default" size="md" px={0} disabled={disabled ?? false} data-testid={`${testid}-${k}`} onClick={() => press(k)}>{k}</Button>
      ))}
    </div>
  )
}
