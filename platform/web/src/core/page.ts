/** What the server tells the page: configuration and words, both as inert JSON blocks. */

/** Parses the JSON of `<script type="application/json" id="…">`; raises when the block is missing. */
export function readBlock<T>(id: string): T {
  const block = document.getElementById(id);
  if (!block) throw new Error(`the page has no JSON block "${id}"`);
  return JSON.parse(block.textContent) as T;
}

export interface PageConfig {
  page: string;
  locale: string;
  /** Base of the candidate API, no trailing slash; pages without an interview leave it out. */
  api?: string;
  token?: string;
  interview?: string;
}

export interface CandidatePage extends PageConfig {
  api: string;
  token: string;
  interview: string;
}

export interface DeviceCheckPage extends CandidatePage {
  next_url: string;
  /** Modes that any question of this interview allows; decides whether a camera is asked for. */
  modes: readonly string[];
}

export interface LivePageConfig {
  socket: string;
  captions: boolean;
  view: boolean;
}

export interface QuestionPageConfig extends CandidatePage {
  question: string;
  /** The next question; `done_url` is used instead once every question is answered. */
  next_url: string;
  pause_url: string;
  done_url: string;
  is_practice: boolean;
  /** Captions and live view, where they may run; practice has neither. */
  live?: LivePageConfig;
  /** Seconds before an answer may be ended by hand. */
  min_seconds: number;
  /** Practice has no question on the server, so the page brings its numbers along. */
  practice?: { think_seconds: number; answer_seconds: number; modes: readonly string[] };
}

export function hasInterview(page: PageConfig): page is CandidatePage {
  return page.api !== undefined && page.token !== undefined && page.interview !== undefined;
}
