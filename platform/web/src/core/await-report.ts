/** `[data-module="await-report"]`: asks now and then whether the feedback is there, and shows it without a reload. */
import { CandidateClient } from "./candidate.ts";
import { part, show } from "./dom.ts";
import { type CandidatePage, readBlock } from "./page.ts";
import { isTemporary } from "./problem.ts";

const FIRST_MS = 5_000;
const LONGEST_MS = 60_000;

/** Parts "waiting" and "ready"; a live region around them tells screen readers. */
export async function mountAwaitReport(root: HTMLElement): Promise<void> {
  const client = new CandidateClient(readBlock<CandidatePage>("page"));
  for (let wait = FIRST_MS; !(await isReported(client)); wait = Math.min(wait * 1.5, LONGEST_MS)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  show(part(root, "waiting"), false);
  show(part(root, "ready"), true);
}

async function isReported(client: CandidateClient): Promise<boolean> {
  try {
    return (await client.state()).status === "reported";
  } catch (error) {
    // Without a network the page waits; anything else is a fault.
    if (isTemporary(error)) return false;
    throw error;
  }
}
