/** `[data-module="device-check"]`: camera, microphone, light and network, then five seconds to hear oneself. */
import { CandidateClient, type Mode } from "../core/candidate.ts";
import { needPart, onPress, part, setEnabled, setLabel } from "../core/dom.ts";
import { type DeviceCheckPage, readBlock } from "../core/page.ts";
import { rememberMode } from "../core/preference.ts";
import { t } from "../core/words.ts";
import { DeviceError, inAppBrowser, openDevices, recordingObstacle, stopStream } from "../media/devices.ts";
import type { RecordedMode } from "../media/formats.ts";
import { drawLevel, LevelMeter, SILENCE_DBFS } from "../media/level.ts";
import { messageOf } from "../question/messages.ts";
import { LightMeter, lightingOf } from "./light.ts";
import { isSlow, probeNetwork } from "./network-probe.ts";
import { hideProblem, showProblem, type Way } from "./problem-panel.ts";
import { Rows } from "./rows.ts";
import { recordSample } from "./sample.ts";

/** A voice at arm's length reaches -35 dBFS easily; below -50 there is only the room. */
const HEARD_DBFS = -50;

const STAGES = ["ready", "checking", "checked", "recording", "recorded"] as const;
type Stage = (typeof STAGES)[number];
const SHOWN_FROM: Readonly<Record<string, Stage>> = { start: "ready", record: "checked", confirm: "recorded" };
const MAIN_BUTTON: Readonly<Record<Stage, string>> = {
  ready: "start",
  checking: "start",
  checked: "record",
  recording: "record",
  recorded: "confirm",
};

export function mountDeviceCheck(root: HTMLElement): void {
  new DeviceCheck(root).ready();
}

class DeviceCheck {
  readonly #root: HTMLElement;
  readonly #page = readBlock<DeviceCheckPage>("page");
  readonly #rows: Rows;
  readonly #result: Record<string, string | number> = {};
  #mode: RecordedMode;
  #stream: MediaStream | null = null;
  #meter: LevelMeter | null = null;
  #light: ReturnType<typeof setInterval> | undefined;
  #loudest = SILENCE_DBFS;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#rows = new Rows(root);
    this.#mode = this.#page.modes.includes("video") ? "video" : "audio";
  }

  ready(): void {
    const failed = (error: unknown): void => this.#failed(error);
    onPress(needPart(this.#root, "start"), () => this.#start(), failed);
    onPress(needPart(this.#root, "record"), () => this.#record(), failed);
    onPress(needPart(this.#root, "confirm"), () => this.#confirm(), failed);
    setEnabled(part(this.#root, "record"), false);
    setEnabled(part(this.#root, "confirm"), false);
    this.#stage("ready");
    const obstacle = recordingObstacle();
    if (obstacle) this.#problem(obstacle);
    else if (inAppBrowser()) this.#problem("in_app");
  }

  async #start(): Promise<void> {
    hideProblem(part(this.#root, "problem"));
    this.#close();
    this.#stage("checking");
    const network = this.#checkNetwork();
    await this.#openDevices();
    await network;
    setEnabled(part(this.#root, "record"), true);
    this.#stage("checked");
    part(this.#root, "record")?.focus();
  }

  async #openDevices(): Promise<void> {
    this.#rows.set("microphone", "busy", t("device.asking"));
    this.#stream = await openDevices(this.#mode);
    this.#result["microphone"] = "ok";
    this.#result["camera"] = this.#mode === "video" ? "ok" : "none";
    this.#meter = new LevelMeter(this.#stream, (dbfs) => this.#heard(dbfs));
    this.#rows.set("microphone", "busy", t("device.microphone.say"));
    if (this.#mode === "video") this.#watchPicture();
    else this.#rows.set("camera-row", "warn", t("device.camera.without"));
  }

  #watchPicture(): void {
    const video = part<HTMLVideoElement>(this.#root, "camera");
    if (!video) return;
    video.muted = true;
    video.srcObject = this.#stream;
    video.play().catch((error: unknown) => this.#failed(error));
    this.#rows.set("camera-row", "ok", t("device.camera.ok"));
    const meter = new LightMeter();
    this.#light = setInterval(() => {
      const luma = meter.measure(video);
      if (luma === null) return;
      this.#result["brightness"] = Math.round(luma);
      const lighting = lightingOf(luma);
      this.#rows.set("light", lighting === "good" ? "ok" : "warn", t(`device.light.${lighting}`));
    }, 700);
  }

  #heard(dbfs: number): void {
    drawLevel(part(this.#root, "level"), dbfs);
    if (dbfs <= this.#loudest) return;
    this.#loudest = dbfs;
    this.#result["level_dbfs"] = Math.round(dbfs * 10) / 10;
    if (dbfs > HEARD_DBFS) this.#rows.set("microphone", "ok", t("device.microphone.ok"));
  }

  async #checkNetwork(): Promise<void> {
    this.#rows.set("network", "busy", t("device.network.measuring"));
    try {
      const result = await probeNetwork();
      this.#result["network_kbps"] = result.kbps;
      this.#result["round_trip_ms"] = result.roundTripMs;
      const text = t(isSlow(result) ? "device.network.slow" : "device.network.ok", { mbps: (result.kbps / 1000).toFixed(1) });
      this.#rows.set("network", isSlow(result) ? "warn" : "ok", text);
    } catch (error) {
      console.error(error);
      this.#rows.set("network", "bad", t("device.network.failed"));
    }
  }

  async #record(): Promise<void> {
    const stream = this.#stream;
    if (!stream) return;
    this.#stage("recording");
    this.#loudest = SILENCE_DBFS;
    const button = part(this.#root, "record");
    const sample = await recordSample(stream, this.#mode, (n) => setLabel(button, t("device.recording", { n })));
    setLabel(button, t("device.record_again"));
    this.#stage("recorded");
    this.#playBack(sample);
    // Almost no sound is a warning, no locked door: the candidate hears the sample and decides.
    setEnabled(part(this.#root, "confirm"), true);
    if (this.#loudest < HEARD_DBFS) return this.#problem("silent");
    hideProblem(part(this.#root, "problem"));
  }

  #playBack(sample: Blob): void {
    const player = part<HTMLMediaElement>(this.#root, "playback");
    if (!player) return;
    if (player.src) URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(sample);
    player.hidden = false;
    player.controls = true;
    // A browser that wants a press first has the controls.
    player.play().catch(() => undefined);
  }

  async #confirm(): Promise<void> {
    await new CandidateClient(this.#page).deviceCheck(this.#result);
    rememberMode(this.#page.interview, this.#mode);
    this.#close();
    location.assign(this.#page.next_url);
  }

  /** One main button at a time: check, then record, then confirm. */
  #stage(stage: Stage): void {
    this.#root.dataset["stage"] = stage;
    const main = MAIN_BUTTON[stage];
    for (const [name, from] of Object.entries(SHOWN_FROM)) {
      const button = part(this.#root, name);
      if (!button) continue;
      button.hidden = STAGES.indexOf(stage) < STAGES.indexOf(from);
      button.classList.toggle("btn-primary", name === main);
      button.classList.toggle("btn-quiet", name !== main);
    }
  }

  #failed(error: unknown): void {
    console.error(error);
    this.#stage("ready");
    if (error instanceof DeviceError) return this.#problem(error.code);
    const panel = part(this.#root, "problem");
    if (!panel) return;
    panel.hidden = false;
    panel.setAttribute("role", "alert");
    panel.textContent = messageOf(error);
  }

  #problem(code: Parameters<typeof showProblem>[1]): void {
    const aboutBrowser = code === "in_app" || code === "unsupported" || code === "insecure";
    if (!aboutBrowser) this.#rows.set(code === "no_camera" ? "camera-row" : "microphone", "bad", t(`device.error.${code}`));
    showProblem(part(this.#root, "problem"), code, this.#waysAround(code));
  }

  /** Answering by voice or in writing, where the interview allows it. */
  #waysAround(code: string): Way[] {
    const ways: Way[] = [];
    const cameraOnly = code === "no_camera" || code === "busy" || code === "denied";
    if (cameraOnly && this.#mode === "video" && this.#page.modes.includes("audio")) {
      const action = (): unknown => ((this.#mode = "audio"), part(this.#root, "start")?.click());
      ways.push({ label: t("device.use_audio"), action });
    }
    if (code !== "silent" && this.#page.modes.includes("text")) {
      ways.push({ label: t("device.use_text"), action: () => this.#goOnWith("text") });
    }
    return ways;
  }

  #goOnWith(mode: Mode): void {
    rememberMode(this.#page.interview, mode);
    location.assign(this.#page.next_url);
  }

  #close(): void {
    clearInterval(this.#light);
    this.#meter?.close();
    stopStream(this.#stream);
    this.#stream = null;
    this.#loudest = SILENCE_DBFS;
  }
}
