/** Brightness of the picture: mean luma 0–255 (BT.709). */

export type Lighting = "dark" | "good" | "bright";

const WIDTH = 64;
const HEIGHT = 48;

export class LightMeter {
  readonly #canvas = new OffscreenCanvas(WIDTH, HEIGHT);

  /** null until the video shows a picture. */
  measure(video: HTMLVideoElement): number | null {
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    return meanLuma(context.getImageData(0, 0, WIDTH, HEIGHT).data);
  }
}

/** `pixels`: RGBA, 8 bits each. */
export function meanLuma(pixels: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i + 2 < pixels.length; i += 4) {
    sum += 0.2126 * (pixels[i] ?? 0) + 0.7152 * (pixels[i + 1] ?? 0) + 0.0722 * (pixels[i + 2] ?? 0);
  }
  return sum / Math.max(1, pixels.length / 4);
}

/** The same limits as the report's. */
export function lightingOf(luma: number): Lighting {
  return luma < 50 ? "dark" : luma > 215 ? "bright" : "good";
}
