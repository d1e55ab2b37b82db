/**
 * Sends chunks in order, two at a time, for as long as it takes.
 *
 * A chunk leaves the device's store only when the server has acknowledged it. Failures of the network and of a
 * busy server are waited out; a refusal stops the uploader and is reported, with the chunk still stored.
 */
import { backoffMs, pause } from "../core/backoff.ts";
import type { ChunkAck } from "../core/candidate.ts";
import { isTemporary, NetworkError, Problem } from "../core/problem.ts";
import type { ChunkRecord, ChunkStore } from "./chunk-store.ts";

export type UploadStatus = "saved" | "saving" | "offline" | "refused";

export interface UploadState {
  status: UploadStatus;
  /** Chunks not yet acknowledged. */
  waiting: number;
  /** What the server refused with, when the status is "refused". */
  error?: unknown;
}

export type Send = (chunk: ChunkRecord, signal: AbortSignal) => Promise<ChunkAck>;

const CONCURRENCY = 2;
/** A digest that does not match means damage on the way; the same bytes go again this often. */
const DAMAGE_RETRIES = 3;

export class Uploader {
  readonly #send: Send;
  readonly #store: Pick<ChunkStore, "dropChunk">;
  readonly #changed: (state: UploadState) => void;
  readonly #stop = new AbortController();
  readonly #waiters: PromiseWithResolvers<void>[] = [];
  #queue: ChunkRecord[] = [];
  readonly #active = new Set<ChunkRecord>();
  #failures = 0;
  #offline = false;
  #resting = false;
  #fatal: unknown;

  constructor(send: Send, store: Pick<ChunkStore, "dropChunk">, changed: (state: UploadState) => void) {
    this.#send = send;
    this.#store = store;
    this.#changed = changed;
    globalThis.addEventListener?.("offline", this.#wentOffline);
  }

  get state(): UploadState {
    const waiting = this.#queue.length + this.#active.size;
    if (this.#fatal !== undefined) return { status: "refused", waiting, error: this.#fatal };
    return { status: waiting === 0 ? "saved" : this.#offline ? "offline" : "saving", waiting };
  }

  /** Chunks that wait already are not queued twice. */
  enqueue(...chunks: ChunkRecord[]): void {
    const waiting = new Set([...this.#queue, ...this.#active].map(placeOf));
    this.#queue.push(...chunks.filter((chunk) => !waiting.has(placeOf(chunk))));
    this.#queue.sort(byPlace);
    this.#pump();
    this.#report();
  }

  /** Resolves when nothing waits; raises what the server refused with. */
  drained(): Promise<void> {
    if (this.#fatal !== undefined) return Promise.reject(this.#fatal as Error);
    if (this.state.waiting === 0) return Promise.resolve();
    const waiter = withResolvers<void>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  /** Stops sending; what waits stays in the store. */
  close(): void {
    this.#stop.abort(new DOMException("uploader closed", "AbortError"));
    globalThis.removeEventListener?.("offline", this.#wentOffline);
  }

  readonly #wentOffline = (): void => {
    this.#offline = true;
    this.#report();
  };

  #pump(): void {
    // After a failure one chunk feels its way; the second follows once that one got through.
    const limit = this.#failures > 0 ? 1 : CONCURRENCY;
    while (!this.#resting && !this.#stop.signal.aborted && this.#fatal === undefined && this.#active.size < limit) {
      const chunk = this.#queue.shift();
      if (!chunk) return;
      this.#active.add(chunk);
      void this.#sendOne(chunk);
    }
  }

  async #sendOne(chunk: ChunkRecord): Promise<void> {
    try {
      await this.#withDamageRetries(chunk);
      this.#failures = 0;
      this.#offline = false;
      await this.#store.dropChunk(chunk);
      this.#active.delete(chunk);
    } catch (error) {
      this.#active.delete(chunk);
      this.#queue.unshift(chunk);
      this.#queue.sort(byPlace);
      if (this.#stop.signal.aborted) return;
      if (isTemporary(error)) await this.#rest(error);
      else this.#fail(error);
    }
    this.#pump();
    this.#report();
  }

  async #withDamageRetries(chunk: ChunkRecord): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#send(chunk, this.#stop.signal);
        return;
      } catch (error) {
        const damaged = error instanceof Problem && error.code === "digest-mismatch";
        if (!damaged || attempt > DAMAGE_RETRIES) throw error;
      }
    }
  }

  async #rest(error: unknown): Promise<void> {
    this.#failures += 1;
    this.#offline = error instanceof NetworkError;
    if (this.#resting) return;
    this.#resting = true;
    this.#report();
    await pause(backoffMs(this.#failures, error), this.#stop.signal).catch(() => undefined);
    this.#resting = false;
  }

  #fail(error: unknown): void {
    this.#fatal = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #report(): void {
    const state = this.state;
    this.#changed(state);
    if (state.waiting === 0) for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }
}

function placeOf({ interview, question, take, segment, seq }: ChunkRecord): string {
  return JSON.stringify([interview, question, take, segment, seq]);
}

function byPlace(a: ChunkRecord, b: ChunkRecord): number {
  return a.take - b.take || a.segment - b.segment || a.seq - b.seq;
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
}

/** `Promise.withResolvers`, which browsers have only since 2024. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
}
