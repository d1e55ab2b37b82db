/** A small real server with the calls of one take of the candidate API, and the troubles a network has. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Trouble {
  /** Answers with this status and code. */
  status?: number;
  code?: string;
  /** Takes the chunk and cuts the connection before the answer. */
  loseAnswer?: boolean;
  /** Cuts the connection at once. */
  cut?: boolean;
}

export class ChunkServer {
  readonly chunks = new Map<number, Buffer>();
  /** Numbers in the order in which they arrived, repeats included. */
  readonly arrived: number[] = [];
  /** Called for each arrival; what it returns happens instead of a plain acceptance. */
  trouble: (seq: number, arrivals: number) => Trouble | null = () => null;
  busiest = 0;
  readonly finishes: unknown[] = [];
  /** Finishes the take and cuts the connection before the answer. */
  loseFinish = false;
  #open = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open += 1;
    this.busiest = Math.max(this.busiest, this.#open);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.#open -= 1;
    const body = Buffer.concat(parts);
    if (request.method === "GET") return reply(response, this.#take());
    if (request.method === "POST") return this.#finish(body, request, response);
    this.#decide(Number(request.url?.split("/").at(-1)), body, request, response);
  }

  /** The one segment of the one take. */
  #take() {
    const next = this.#next();
    const segment = { number: 0, next, missing: [], bytes: 0, seconds: next };
    return { number: 1, mode: "audio", finished: this.finishes.length > 0, segments: [segment] };
  }

  #finish(body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const asked = JSON.parse(body.toString()) as { segments: { chunks: number; head: string }[] };
    if (this.#take().finished) return problem(response, 409, "take-finished");
    if (asked.segments[0]?.chunks !== this.#next()) return problem(response, 409, "chunks-missing");
    this.finishes.push(asked);
    if (this.loseFinish) return void request.socket.destroy();
    reply(response, {});
  }

  #next(): number {
    let next = 0;
    while (this.chunks.has(next)) next += 1;
    return next;
  }

  #decide(seq: number, bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
    this.arrived.push(seq);
    const trouble = this.trouble(seq, this.arrived.filter((one) => one === seq).length);
    if (trouble?.cut) return void request.socket.destroy();
    if (trouble?.status) return problem(response, trouble.status, trouble.code ?? "trouble");
    const digest = createHash("sha256").update(bytes).digest("base64");
    if (request.headers["content-digest"] !== `sha-256=:${digest}:`) return problem(response, 422, "digest-mismatch");
    this.chunks.set(seq, bytes);
    if (trouble?.loseAnswer) return void request.socket.destroy();
    reply(response, { next: this.#next(), missing: [] });
  }
}

function reply(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ status, code, title: code, detail: `refused: ${code}` }));
}
