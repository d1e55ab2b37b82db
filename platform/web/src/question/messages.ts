/** Errors in the words of the page. */
import { NetworkError, Problem } from "../core/problem.ts";
import { t } from "../core/words.ts";
import { DeviceError } from "../media/devices.ts";

/** Its message is written for the candidate. */
export class WordedError extends Error {}

export function messageOf(error: unknown): string {
  if (error instanceof WordedError) return error.message;
  if (error instanceof DeviceError) return t(`device.error.${error.code}`);
  // The server answers in the candidate's language.
  if (error instanceof Problem) return error.detail;
  if (error instanceof NetworkError) return t("error.network");
  if (error instanceof DOMException && error.name === "QuotaExceededError") return t("error.storage_full");
  return t("error.unexpected", { reason: error instanceof Error ? error.message : String(error) });
}
