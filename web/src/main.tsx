import '@mantine/core/styles.css'
import './app/app.css'
import './app/pages.css'
import { MantineProvider } from '@mantine/core'
import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { load } from './app/clients'
import { styleNonce, theme } from './app/theme'
import { startLanguage } from './i18n'

const nonce = styleNonce()
// For the libraries below Mantine that make style elements of their own.
setNonce(nonce)
startLanguage()
void load()

createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <App />
  </MantineProvider>,
)
