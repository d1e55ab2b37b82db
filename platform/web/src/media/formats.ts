/** Which container and codecs this browser records. */

// VP8 before VP9: at 640×480 they look alike, and a cheap phone encodes VP8 at half the cost.
const VIDEO = [
  "video/webm;codecs=vp8,opus",
  "video/webm;codecs=vp9,opus",
  "video/webm",
  "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
  "video/mp4",
];
const AUDIO = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4;codecs=mp4a.40.2", "audio/mp4", "audio/ogg;codecs=opus"];

export type RecordedMode = "video" | "audio";

/** The best supported content type, or null where the browser cannot record. */
export function recordingFormat(mode: RecordedMode): string | null {
  if (typeof MediaRecorder === "undefined") return null;
  return (mode === "video" ? VIDEO : AUDIO).find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

export function recorderOptions(mode: RecordedMode, mimeType: string): MediaRecorderOptions {
  const options: MediaRecorderOptions = { mimeType, audioBitsPerSecond: 48_000 };
  if (mode === "video") options.videoBitsPerSecond = 800_000;
  return options;
}
