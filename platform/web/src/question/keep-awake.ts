/** Keeps a phone's screen on while someone speaks and touches nothing. */

/** Returns what lets the screen sleep again. A browser or a battery saver that refuses is left alone. */
export function keepAwake(): () => void {
  const locks = (navigator as Partial<Pick<Navigator, "wakeLock">>).wakeLock;
  const request = locks?.request("screen").catch(() => null);
  return () => void request?.then((lock) => lock?.release());
}
