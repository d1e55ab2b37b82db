/**
 * What is recorded and not yet acknowledged, in IndexedDB: survives a reload, a killed tab, a flat battery.
 *
 * Chunk bytes go as soon as the server has them; counts and chain heads stay until the take is finished.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { IntegrityEvent, Mode } from "../core/candidate.ts";

export interface TakeKey {
  interview: string;
  question: string;
  take: number;
}

export interface ChunkRecord extends TakeKey {
  segment: number;
  seq: number;
  bytes: ArrayBuffer;
  /** SHA-256 of `bytes`, base64. */
  digest: string;
}

export interface SegmentRecord extends TakeKey {
  segment: number;
  chunks: number;
  /** Chain head, hex. */
  head: string;
  duration_ms: number;
}

export interface TakeRecord extends TakeKey {
  mode: Mode;
  /** The candidate has ended the answer: what is left is to send and to finish. */
  stopped: boolean;
  events: IntegrityEvent[];
}

export interface DraftRecord {
  interview: string;
  question: string;
  text: string;
}

interface Schema extends DBSchema {
  chunks: { key: [string, string, number, number, number]; value: ChunkRecord };
  segments: { key: [string, string, number, number]; value: SegmentRecord };
  takes: { key: [string, string, number]; value: TakeRecord };
  drafts: { key: [string, string]; value: DraftRecord };
}

const TAKE_STORES = ["chunks", "segments", "takes"] as const;

export class ChunkStore {
  readonly #db: IDBPDatabase<Schema>;

  private constructor(db: IDBPDatabase<Schema>) {
    this.#db = db;
  }

  /** Raises where the browser has no usable IndexedDB. */
  static async open(name = "duilian"): Promise<ChunkStore> {
    const db = await openDB<Schema>(name, 1, {
      upgrade(made) {
        made.createObjectStore("chunks", { keyPath: ["interview", "question", "take", "segment", "seq"] });
        made.createObjectStore("segments", { keyPath: ["interview", "question", "take", "segment"] });
        made.createObjectStore("takes", { keyPath: ["interview", "question", "take"] });
        made.createObjectStore("drafts", { keyPath: ["interview", "question"] });
      },
    });
    return new ChunkStore(db);
  }

  close(): void {
    this.#db.close();
  }

  /** The chunk and the segment's new count and head, both or neither. */
  async addChunk(chunk: ChunkRecord, segment: SegmentRecord): Promise<void> {
    const transaction = this.#db.transaction(["chunks", "segments"], "readwrite");
    await Promise.all([
      transaction.objectStore("chunks").put(chunk),
      transaction.objectStore("segments").put(segment),
      transaction.done,
    ]);
  }

  async putSegment(segment: SegmentRecord): Promise<void> {
    await this.#db.put("segments", segment);
  }

  async putTake(take: TakeRecord): Promise<void> {
    await this.#db.put("takes", take);
  }

  /** The server has the chunk. */
  async dropChunk(chunk: Omit<ChunkRecord, "bytes" | "digest">): Promise<void> {
    await this.#db.delete("chunks", [chunk.interview, chunk.question, chunk.take, chunk.segment, chunk.seq]);
  }

  take({ interview, question, take }: TakeKey): Promise<TakeRecord | undefined> {
    return this.#db.get("takes", [interview, question, take]);
  }

  /** In order of segment and number. */
  chunks(take: TakeKey): Promise<ChunkRecord[]> {
    return this.#db.getAll("chunks", under(take));
  }

  segments(take: TakeKey): Promise<SegmentRecord[]> {
    return this.#db.getAll("segments", under(take));
  }

  takes(interview: string): Promise<TakeRecord[]> {
    return this.#db.getAll("takes", IDBKeyRange.bound([interview], [interview, []]));
  }

  /** Forgets a take: it is finished, or replaced by another. */
  async dropTake(take: TakeKey): Promise<void> {
    const transaction = this.#db.transaction(TAKE_STORES, "readwrite");
    await Promise.all([
      transaction.objectStore("chunks").delete(under(take)),
      transaction.objectStore("segments").delete(under(take)),
      transaction.objectStore("takes").delete([take.interview, take.question, take.take]),
      transaction.done,
    ]);
  }

  async putDraft(draft: DraftRecord): Promise<void> {
    await this.#db.put("drafts", draft);
  }

  draft(interview: string, question: string): Promise<DraftRecord | undefined> {
    return this.#db.get("drafts", [interview, question]);
  }

  async dropDraft(interview: string, question: string): Promise<void> {
    await this.#db.delete("drafts", [interview, question]);
  }
}

/** Every key that begins with the take's own; an array sorts after all numbers. */
function under({ interview, question, take }: TakeKey): IDBKeyRange {
  return IDBKeyRange.bound([interview, question, take], [interview, question, take, []]);
}
