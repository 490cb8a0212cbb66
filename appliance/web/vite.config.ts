// Build settings. Nothing may be inlined into HTML or CSS: the server's content security policy refuses it.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Where `npm run dev` finds an appliance; any running server will do.
const appliance = 'https://localhost:8443';
const proxied = { target: appliance, secure: false, changeOrigin: false };

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/api': proxied, '/m': proxied, '/s': proxied, '/ws': { ...proxied, ws: true } },
  },
});
