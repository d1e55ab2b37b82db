/** Camera and microphone, and why they cannot be had, as a code with words under `device.error.<code>`. */
import type { RecordedMode } from "./formats.ts";

export type DeviceErrorCode =
  | "denied"
  | "no_camera"
  | "no_microphone"
  | "busy"
  | "insecure"
  | "unsupported"
  | "in_app"
  | "lost"
  | "unknown";

export class DeviceError extends Error {
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, cause?: unknown) {
    super(`device error: ${code}`, { cause });
    this.name = "DeviceError";
    this.code = code;
  }
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
const VIDEO: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 24, max: 30 },
  facingMode: "user",
};

/** Microphone, and camera when `mode` is video. Raises `DeviceError`. */
export async function openDevices(mode: RecordedMode): Promise<MediaStream> {
  const obstacle = recordingObstacle();
  if (obstacle) throw new DeviceError(obstacle);
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AUDIO, video: mode === "video" ? VIDEO : false });
  } catch (error) {
    throw new DeviceError(await codeOf(error, mode), error);
  }
}

export function stopStream(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Why this browser cannot record at all, before asking for anything. */
export function recordingObstacle(): DeviceErrorCode | null {
  if (!window.isSecureContext) return "insecure";
  // Old web views have neither; their type declarations say they do.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (typeof media?.getUserMedia === "function" && typeof MediaRecorder === "function") return null;
  return inAppBrowser() ? "in_app" : "unsupported";
}

/** WeChat, WeCom, DingTalk, Feishu, QQ and the like open links in a web view of their own. */
export function inAppBrowser(agent: string = navigator.userAgent): string | null {
  const names: [RegExp, string][] = [
    [/wxwork/i, "wecom"],
    [/MicroMessenger/i, "wechat"],
    [/DingTalk/i, "dingtalk"],
    [/Lark|Feishu/i, "feishu"],
    [/\bQQ\//i, "qq"],
    [/Weibo/i, "weibo"],
  ];
  return names.find(([pattern]) => pattern.test(agent))?.[1] ?? null;
}

async function codeOf(error: unknown, mode: RecordedMode): Promise<DeviceErrorCode> {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return missingDevice(mode);
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unknown";
  }
}

/** The browser does not say which of the two was not found; the list of devices does. */
async function missingDevice(mode: RecordedMode): Promise<DeviceErrorCode> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const hasMicrophone = devices.some((device) => device.kind === "audioinput");
  return mode === "video" && hasMicrophone ? "no_camera" : "no_microphone";
}
