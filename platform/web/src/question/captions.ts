/** Captions under the question, and the notice that somebody follows. Whatever fails here leaves the answer alone. */
import type { QuestionPageConfig } from "../core/page.ts";
import { onPress } from "../core/dom.ts";
import { t } from "../core/words.ts";
import { LiveChannel } from "../live/channel.ts";
import type { QuestionView } from "./view.ts";

const KEPT_CHARACTERS = 600;
const CHOICE = "duilian:captions";

export class Captions {
  readonly #view: QuestionView;
  readonly #page: QuestionPageConfig;
  readonly #channel: LiveChannel | null;
  #wanted = localStorage.getItem(CHOICE) !== "off";
  #standing = "";

  constructor(view: QuestionView, page: QuestionPageConfig) {
    this.#view = view;
    this.#page = page;
    const live = page.live;
    const may = live !== undefined && (live.captions || live.view);
    this.#channel = may
      ? new LiveChannel(live, page.token, {
          caption: (added, tail) => this.#show(added, tail),
          state: (state) => this.#note(state),
          watchers: (count) => view.setAvailable("watched", count > 0),
        })
      : null;
    view.setAvailable("captions", live?.captions ?? false);
    view.setAvailable("watched", false);
    onPress(view.part("captions-toggle"), () => this.#toggle());
    this.#label();
  }

  /** An answer begins. */
  begin(stream: MediaStream): void {
    this.#standing = "";
    this.#show("", "");
    this.#note("on");
    const wanted = this.#wanted && (this.#page.live?.captions ?? false);
    this.#channel?.begin(this.#page.question, stream, wanted).catch((error: unknown) => this.#failed(error));
  }

  end(): void {
    this.#channel?.end();
  }

  async #toggle(): Promise<void> {
    this.#wanted = !this.#wanted;
    localStorage.setItem(CHOICE, this.#wanted ? "on" : "off");
    this.#label();
    await this.#channel?.want(this.#wanted).catch((error: unknown) => this.#failed(error));
  }

  #label(): void {
    const toggle = this.#view.part("captions-toggle");
    toggle?.setAttribute("aria-pressed", String(this.#wanted));
    this.#view.label("captions-toggle", t(this.#wanted ? "captions.turn_off" : "captions.turn_on"));
    this.#view.part("captions")?.toggleAttribute("data-off", !this.#wanted);
  }

  #show(added: string, tail: string): void {
    this.#standing = (this.#standing + added).slice(-KEPT_CHARACTERS);
    this.#view.label("captions-stable", this.#standing.trimStart());
    this.#view.label("captions-tail", tail);
    const box = this.#view.part("captions-text");
    if (box) box.scrollTop = box.scrollHeight;
  }

  #note(state: string): void {
    this.#view.label("captions-note", state === "unavailable" && this.#wanted ? t("captions.unavailable") : "");
  }

  #failed(error: unknown): void {
    console.warn("captions", error);
    this.#note("unavailable");
  }
}
