/** Reads the question aloud where the browser has a voice of its language. */

/** Calls `available` whenever the answer to "is there a voice?" is known. */
export function prepareReadAloud(button: HTMLElement | null, locale: string, available: (yes: boolean) => void): void {
  const speech = window.speechSynthesis as SpeechSynthesis | undefined;
  available(false);
  if (!button || !speech) return;
  const look = (): void => available(voiceFor(speech, locale) !== null);
  look();
  // Voices arrive late in most browsers.
  speech.addEventListener?.("voiceschanged", look);
}

export function readAloud(text: string, locale: string): void {
  const voice = voiceFor(speechSynthesis, locale);
  if (!voice || text === "") return;
  speechSynthesis.cancel();
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.voice = voice;
  utterance.lang = voice.lang;
  speechSynthesis.speak(utterance);
}

export function stopReading(): void {
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}

function voiceFor(speech: SpeechSynthesis, locale: string): SpeechSynthesisVoice | null {
  const language = locale.slice(0, 2).toLowerCase();
  const voices = speech.getVoices().filter((voice) => voice.lang.toLowerCase().startsWith(language));
  return voices.find((voice) => voice.lang.replace("_", "-") === locale) ?? voices[0] ?? null;
}
