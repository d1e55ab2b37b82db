/** Compares what the server has of a take with what this device kept, and says what is still to be sent. */
import type { FinishedSegment, Segment, Take } from "../core/candidate.ts";
import type { ChunkRecord, SegmentRecord } from "./chunk-store.ts";

export interface ResumePlan {
  /** In order; the server wants them. */
  send: ChunkRecord[];
  /** The server has them already (its acknowledgement was lost). */
  drop: ChunkRecord[];
}

export function planResume(kept: readonly ChunkRecord[], segments: readonly Segment[]): ResumePlan {
  const plan: ResumePlan = { send: [], drop: [] };
  for (const chunk of kept) {
    const segment = segments.find((one) => one.number === chunk.segment);
    (segment && hasChunk(segment, chunk.seq) ? plan.drop : plan.send).push(chunk);
  }
  return plan;
}

/** Chunks from `next` on may be there too, except where `missing` names them; sending them again is harmless. */
function hasChunk(segment: Segment, seq: number): boolean {
  return seq < segment.next && !segment.missing.includes(seq);
}

/** Milliseconds that are safe: on the server, or on this device and yet to be sent. */
export function safeMs(take: Take, kept: readonly SegmentRecord[]): number {
  return take.segments.reduce((sum, segment) => {
    const own = kept.find((one) => one.segment === segment.number);
    return sum + Math.max(own?.duration_ms ?? 0, segment.seconds * 1000);
  }, 0);
}

/**
 * Count, head and duration of each segment for the certificate: ours where this device recorded it, the server's
 * where another device did; null where neither knows the head.
 */
export function certificate(take: Take, kept: readonly SegmentRecord[]): FinishedSegment[] | null {
  const rows = take.segments.map((segment) => {
    const own = kept.find((one) => one.segment === segment.number);
    if (own && own.chunks >= segment.next) {
      return { chunks: own.chunks, head: own.head, duration_ms: Math.round(own.duration_ms) };
    }
    if (segment.head === undefined || segment.missing.length > 0) return null;
    return { chunks: segment.next, head: segment.head, duration_ms: Math.round(segment.seconds * 1000) };
  });
  return rows.every((row) => row !== null) ? rows : null;
}
