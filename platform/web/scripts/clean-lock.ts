/** Takes the funding links out of package-lock.json: the lock pins versions and hashes and holds no address. */
import { readFileSync, writeFileSync } from "node:fs";

interface Lock {
  packages: Record<string, { funding?: unknown; resolved?: unknown }>;
}

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
for (const entry of Object.values(lock.packages)) {
  delete entry.funding;
  delete entry.resolved;
}
const text = `${JSON.stringify(lock, null, 2)}\n`;
if (text.includes("://")) throw new Error("package-lock.json still holds an address");
writeFileSync(file, text);
