/** Asks before something cannot be taken back, in a native dialog (focus trap and Escape come with it). */
import { element } from "./dom.ts";
import { t } from "./words.ts";

/** Resolves to true only when the person agreed. */
export function confirmDialog(text: string, agree = t("confirm.yes"), refuse = t("confirm.no")): Promise<boolean> {
  const form = element(
    "form",
    { method: "dialog", class: "modal-box confirm-box" },
    element("p", { class: "confirm-text" }, text),
    element(
      "div",
      { class: "modal-action" },
      element("button", { class: "btn btn-ghost", value: "no", autofocus: "" }, refuse),
      element("button", { class: "btn btn-primary", value: "yes" }, agree),
    ),
  );
  const dialog = element("dialog", { class: "modal", "aria-label": text }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
