/** Builds the two entry pairs into the Python package; Python finds the files by `.vite/manifest.json`. */
import tailwindcss from "@tailwindcss/vite";
import { copyFileSync, mkdirSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const STATIC = "../duilian/platform/web/static";

/** The fonts of the PDF report, beside the built files: typst takes them from a folder. */
function pdfFonts(): Plugin {
  const fonts = "node_modules/@expo-google-fonts/noto-sans-sc";
  return {
    name: "pdf-fonts",
    closeBundle() {
      mkdirSync(`${STATIC}/fonts`, { recursive: true });
      for (const name of ["400Regular/NotoSansSC_400Regular", "700Bold/NotoSansSC_700Bold"]) {
        copyFileSync(`${fonts}/${name}.ttf`, `${STATIC}/fonts/${name.split("/")[1]}.ttf`);
      }
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [tailwindcss(), pdfFonts()],
  build: {
    outDir: STATIC,
    emptyOutDir: true,
    manifest: true,
    target: ["chrome111", "edge111", "firefox114", "safari16.4"],
    // A data: address would need its own permission in the content security policy.
    assetsInlineLimit: 0,
    // The drawing library is one piece of 0.6 MB, fetched by pages with a chart only.
    chunkSizeWarningLimit: 700,
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
