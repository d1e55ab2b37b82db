/** `[data-module="live"]`: an interview as it runs: picture, captions, where each question stands, scores so far. */
import { needPart, part, setLabel, show } from "../core/dom.ts";
import { t } from "../core/words.ts";
import { type Scores, showScores } from "./live-scores.ts";

interface Seen {
  status: string;
  questions: { key: string; position: number; state: string }[];
  now: {
    question: string;
    captions: string;
    said: { stable: string; tail: string };
    picture: string | null;
    picture_number: number;
  } | null;
  scores: Scores;
}

const RETRY_MS = 3000;

export function mountLive(root: HTMLElement): void {
  new LiveView(root).connect();
}

class LiveView {
  readonly #root: HTMLElement;
  readonly #picture: HTMLImageElement;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#picture = needPart<HTMLImageElement>(root, "picture");
  }

  connect(): void {
    const address = new URL(this.#root.dataset["socket"] ?? "", location.href).href.replace(/^http/, "ws");
    const socket = new WebSocket(address);
    let seen = false;
    socket.onmessage = (event: MessageEvent<string>) => {
      seen = true;
      this.#show(JSON.parse(event.data) as Seen);
    };
    socket.onclose = (event) => this.#closed(seen, event.code);
  }

  /** What was refused stays refused; a lost connection is tried again. */
  #closed(seen: boolean, code: number): void {
    const refused = code >= 4400 || !seen;
    this.#say(t(refused ? "live.refused" : "live.lost"));
    if (!refused) setTimeout(() => this.connect(), RETRY_MS);
  }

  #show(seen: Seen): void {
    const now = seen.now;
    for (const question of seen.questions) this.#question(question.key, question.state, now?.question === question.key);
    if (now?.picture) this.#picture.src = `data:image/jpeg;base64,${now.picture}`;
    if (!now) this.#picture.removeAttribute("src");
    show(this.#picture, this.#picture.hasAttribute("src"));
    show(part(this.#root, "no-picture"), !this.#picture.hasAttribute("src"));
    setLabel(part(this.#root, "stable"), now?.said.stable.trimStart() ?? "");
    setLabel(part(this.#root, "tail"), now?.said.tail ?? "");
    const words = part(this.#root, "words");
    if (words) words.scrollTop = words.scrollHeight;
    showScores(this.#root, seen.scores);
    this.#say(sentence(seen));
  }

  #question(key: string, state: string, current: boolean): void {
    const row = this.#root.querySelector<HTMLElement>(`[data-question="${CSS.escape(key)}"]`);
    if (!row) return;
    row.toggleAttribute("data-current", current);
    row.dataset["state"] = state;
    setLabel(part(row, "state"), t(`live.state.${current ? "answering" : state}`));
  }

  #say(text: string): void {
    setLabel(part(this.#root, "status"), text);
  }
}

function sentence(seen: Seen): string {
  if (seen.status !== "in_progress") return t(seen.status === "submitted" || seen.status === "reported" ? "live.over" : "live.not_begun");
  if (!seen.now) return t("live.between");
  if (seen.now.captions === "off") return t("live.captions_off");
  return t(seen.now.captions === "unavailable" ? "live.captions_unavailable" : "live.speaking");
}
