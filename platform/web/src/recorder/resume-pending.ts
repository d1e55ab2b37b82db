/** On any page of the interview: sends and finishes answers that were ended but not yet safe on the server. */
import { CandidateClient } from "../core/candidate.ts";
import type { CandidatePage } from "../core/page.ts";
import { t } from "../core/words.ts";
import { holdInterview } from "../question/single-tab.ts";
import { ChunkStore } from "./chunk-store.ts";
import { finishTake, sendMissing } from "./finish.ts";
import { Uploader } from "./uploader.ts";

/** `banner` (optional, hidden when there is nothing to do) tells the candidate what goes on. */
export async function resumePending(page: CandidatePage, banner: HTMLElement | null): Promise<void> {
  const store = await ChunkStore.open();
  const ended = (await store.takes(page.interview)).filter((take) => take.stopped);
  if (ended.length === 0 || !(await holdInterview(page.interview))) return;
  const client = new CandidateClient(page);
  const uploader = new Uploader(
    (chunk, signal) => client.putChunk(chunk, chunk.bytes, chunk.digest, signal),
    store,
    ({ status, waiting }) => tell(banner, t(`upload.${status}`, { n: waiting })),
  );
  for (const take of ended) {
    await sendMissing({ store, uploader, client }, take);
    await finishTake({ store, uploader, client }, take, take.events);
  }
  uploader.close();
  tell(banner, t("upload.saved", { n: 0 }));
}

function tell(banner: HTMLElement | null, text: string): void {
  if (!banner) return;
  banner.hidden = false;
  banner.textContent = text;
}
