/** Measures the way to the server: bandwidth downwards and round trips. */

export interface NetworkResult {
  kbps: number;
  roundTripMs: number;
}

const BYTES = 200_000;
const ROUND_TRIPS = 4;
/** Beyond this the probe measures the timer, not the network. */
const FASTEST_KBPS = 100_000;

/** Raises when the server cannot be reached. */
export async function probeNetwork(url = "/health/probe"): Promise<NetworkResult> {
  const trips: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i += 1) trips.push(await timed(url, 1));
  trips.sort((a, b) => a - b);
  const roundTripMs = trips[1] ?? 0;
  const taken = Math.max(1, (await timed(url, BYTES)) - roundTripMs);
  return { kbps: Math.min(FASTEST_KBPS, Math.round((BYTES * 8) / taken)), roundTripMs: Math.round(roundTripMs) };
}

/** Video needs about 850 kbit/s upwards; less is slow but kept on the device, so it only warns. */
export function isSlow(result: NetworkResult): boolean {
  return result.kbps < 1500 || result.roundTripMs > 600;
}

async function timed(url: string, bytes: number): Promise<number> {
  const from = performance.now();
  const response = await fetch(`${url}?bytes=${bytes}`, { cache: "no-store", signal: AbortSignal.timeout(15_000) });
  if (!response.ok) throw new Error(`the probe answered ${response.status}`);
  await response.arrayBuffer();
  return performance.now() - from;
}
