import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const server = process.env.IVRD_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  // JsSIP's `debug` reads it.
  define: { 'process.env.NODE_DEBUG': 'undefined' },
  build: {
    outDir: 'dist',
    emptyOutDir: false, // web.go embeds the folder; the Makefile clears assets
    assetsDir: 'assets',
    // The policy of the pages knows no data: for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // The notices of what is bundled go with it.
    license: { fileName: 'assets/licenses.md' },
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true },
      '/sip': { target: server, ws: true },
    },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
})
