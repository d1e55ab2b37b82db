/** A small picture of the candidate, once a second, for as long as somebody watches. */

const WIDTH = 320;
const EVERY_MS = 1000;
const QUALITY = 0.6;

export class PictureTap {
  readonly #video = document.createElement("video");
  readonly #canvas = document.createElement("canvas");
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(stream: MediaStream, taken: (picture: Blob) => void) {
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#video.srcObject = stream;
    void this.#video.play();
    this.#timer = setInterval(() => this.#take(taken), EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#video.srcObject = null;
  }

  #take(taken: (picture: Blob) => void): void {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth === 0) return;
    this.#canvas.width = WIDTH;
    this.#canvas.height = Math.round((WIDTH * videoHeight) / videoWidth);
    this.#canvas.getContext("2d")?.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#canvas.toBlob((blob) => blob && taken(blob), "image/jpeg", QUALITY);
  }
}
