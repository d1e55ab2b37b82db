/** Errors of calls to the server. */

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  [field: string]: unknown;
}

/** The server refused (RFC 9457 problem details). `body` holds the fields particular to `code`. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly body: ProblemBody;
  /** Seconds the server asked to wait, from `Retry-After`. */
  readonly retryAfter: number | null;

  constructor(status: number, body: ProblemBody, retryAfter: number | null = null) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? `status-${status}`;
    this.detail = this.message;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** The same call may succeed later: overload, a gateway, a restart. */
  get temporary(): boolean {
    return this.status === 429 || this.status === 408 || this.status >= 500;
  }
}

/** No answer came: offline, cut, or slower than the time limit. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "NetworkError";
  }
}

export function isTemporary(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof Problem && error.temporary);
}
