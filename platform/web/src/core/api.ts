/** Calls to the API: bearer token, problem details, retries where a repeat is harmless. */
import { backoffMs, pause } from "./backoff.ts";
import { isTemporary, NetworkError, Problem, type ProblemBody } from "./problem.ts";

export type Method = "GET" | "PUT" | "POST";

export interface CallOptions {
  json?: unknown;
  bytes?: BufferSource;
  headers?: Record<string, string>;
  /** Further attempts after a failure of the network or a 5xx; GET and PUT only. Default 3. */
  retries?: number;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export class Api {
  readonly #base: string;
  readonly #token: string;
  readonly #language: string;

  constructor(base: string, token: string, language: string) {
    this.#base = base.replace(/\/$/, "");
    this.#token = token;
    this.#language = language;
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>("GET", path, options);
  }

  put<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>("PUT", path, options);
  }

  /** Sent once: whoever calls decides what a lost answer means. */
  post<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>("POST", path, { ...options, retries: 0 });
  }

  /** Raises `Problem` on a refusal and `NetworkError` when no answer came. */
  async #call<T>(method: Method, path: string, options: CallOptions): Promise<T> {
    const retries = options.retries ?? 3;
    for (let failures = 0; ; ) {
      try {
        return await this.#once<T>(method, path, options);
      } catch (error) {
        failures += 1;
        if (failures > retries || !isTemporary(error)) throw error;
        await pause(backoffMs(failures, error), options.signal);
      }
    }
  }

  async #once<T>(method: Method, path: string, options: CallOptions): Promise<T> {
    const response = await this.#fetch(method, path, options);
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return undefined as T;
    const text = await response.text().catch((cause: unknown) => Promise.reject(new NetworkError(cause)));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async #fetch(method: Method, path: string, options: CallOptions): Promise<Response> {
    const limit = AbortSignal.timeout(options.timeoutMs ?? 20_000);
    const init: RequestInit = {
      method,
      headers: this.#headers(options),
      cache: "no-store",
      signal: options.signal ? anySignal(options.signal, limit) : limit,
    };
    if (options.bytes !== undefined) init.body = options.bytes;
    else if (options.json !== undefined) init.body = JSON.stringify(options.json);
    try {
      return await fetch(this.#base + path, init);
    } catch (cause) {
      if (options.signal?.aborted) throw cause;
      throw new NetworkError(cause);
    }
  }

  #headers(options: CallOptions): Record<string, string> {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${this.#token}`,
      Accept: "application/json, application/problem+json",
      "Accept-Language": this.#language,
    };
    if (options.bytes !== undefined) headers["Content-Type"] = "application/octet-stream";
    else if (options.json !== undefined) headers["Content-Type"] = "application/json";
    return { ...headers, ...options.headers };
  }
}

/** `AbortSignal.any`, which Safari has only since 17.4. */
function anySignal(...signals: AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

async function problemOf(response: Response): Promise<Problem> {
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
  const body = isJson ? ((await response.json().catch(() => ({}))) as ProblemBody) : {};
  return new Problem(response.status, body, Number.isFinite(after) ? after : null);
}
