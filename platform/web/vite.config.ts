/** Builds the two entry pairs into the Python package; Python finds the files by `.vite/manifest.json`. */
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [tailwindcss()],
  build: {
    outDir: "../duilian/platform/web/static",
    emptyOutDir: true,
    manifest: true,
    target: ["chrome111", "edge111", "firefox114", "safari16.4"],
    // A data: address would need its own permission in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        portal: "src/portal.ts",
        console: "src/console.ts",
        "portal-style": "src/portal.css",
        "console-style": "src/console.css",
      },
    },
  },
});
