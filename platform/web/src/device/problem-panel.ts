/** Says what is wrong with a device and how to put it right in this browser. */
import { copyText } from "../core/copy.ts";
import { element } from "../core/dom.ts";
import { t } from "../core/words.ts";
import type { DeviceErrorCode } from "../media/devices.ts";
import { browserOf } from "./browser.ts";
import { openInBrowserPicture, permissionPicture } from "./fix-picture.ts";

export interface Way {
  label: string;
  action: () => unknown;
}

/** `ways`: further things the candidate can do, such as answering by voice alone. */
export function showProblem(panel: HTMLElement | null, code: DeviceErrorCode | "silent", ways: Way[] = []): void {
  if (!panel) return;
  panel.replaceChildren();
  panel.setAttribute("role", "alert");
  panel.hidden = false;
  const picture = pictureFor(code);
  if (picture) panel.append(picture);
  panel.append(element("p", { class: "problem-title" }, t(`device.error.${code}`)));
  panel.append(element("p", { class: "problem-fix" }, t(fixKey(code))));
  const buttons = ways.map((way) => button(way.label, () => way.action()));
  if (needsOtherBrowser(code)) buttons.unshift(copyButton());
  if (buttons.length > 0) panel.append(element("div", { class: "problem-ways" }, ...buttons));
}

export function hideProblem(panel: HTMLElement | null): void {
  if (panel) panel.hidden = true;
}

function needsOtherBrowser(code: string): boolean {
  return code === "in_app" || code === "unsupported";
}

/** Where the permission is given differs by browser; the other problems do not. */
function fixKey(code: string): string {
  return code === "denied" ? `device.fix.denied.${browserOf()}` : `device.fix.${code}`;
}

function pictureFor(code: string): SVGSVGElement | null {
  if (code === "denied") return permissionPicture(browserOf());
  return code === "in_app" ? openInBrowserPicture() : null;
}

function copyButton(): HTMLButtonElement {
  const made = button(t("device.copy_link"), () => copyText(made, location.href));
  return made;
}

function button(label: string, action: () => unknown): HTMLButtonElement {
  const made = element("button", { type: "button", class: "btn" }, label);
  made.addEventListener("click", () => void action());
  return made;
}
