/** Five seconds of recording to hear oneself; kept in memory, never sent. */
import { type RecordedMode, recorderOptions } from "../media/formats.ts";
import { requireFormat } from "../recorder/take-recording.ts";

export const SAMPLE_SECONDS = 5;

/** Resolves with the recording; calls `left` each second. */
export async function recordSample(stream: MediaStream, mode: RecordedMode, left: (seconds: number) => void): Promise<Blob> {
  const type = requireFormat(mode);
  const recorder = new MediaRecorder(stream, recorderOptions(mode, type));
  const chunks: Blob[] = [];
  recorder.addEventListener("dataavailable", (event) => void chunks.push(event.data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  recorder.start();
  for (let seconds = SAMPLE_SECONDS; seconds > 0; seconds -= 1) {
    left(seconds);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  recorder.stop();
  await stopped;
  return new Blob(chunks, { type });
}
