/** 3 – 2 – 1 before an answer begins. */
import { reducedMotion } from "../core/dom.ts";

/** Resolves after three seconds. With reduced motion the number changes without growing. */
export async function countDown(face: HTMLElement | null, announce: (text: string) => void, from = 3): Promise<void> {
  face?.toggleAttribute("data-still", reducedMotion());
  for (let number = from; number > 0; number -= 1) {
    if (face) {
      const digit = document.createElement("span");
      digit.textContent = String(number);
      face.replaceChildren(digit);
    }
    announce(String(number));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
