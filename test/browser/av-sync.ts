/**
 * Sound against picture where both are shown. Publishers of `webrtc-pages.ts` draw their clock into the picture and beep at
 * every half second of the same clock; here each beep and each picture that comes out is set against that clock. How far
 * the two latencies lie apart is the lip sync, whole: capture, coding, network, jitter buffers.
 */
import type { Page } from 'playwright-core';
import { blockClockSource } from '../../core/media/block-clock.ts';

/** From one beep to the next, ms: sound that is later than this is taken for an early one. */
const EVERY = 500;

/** The wall clock at which a moment of an AudioContext is rendered: timers are late and never early, so the least is true. */
const wallOfSource = `
  const wallOf = (audio) => {
    const recent = [];
    const look = () => {
      recent.push(performance.timeOrigin + performance.now() - audio.currentTime * 1000);
      if (recent.length > 40) recent.shift();
    };
    look();
    setInterval(look, 25);
    return (seconds) => seconds * 1000 + Math.min(...recent);
  };`;

/** Text of a function `beeps()` in a page: a track with a beep at each half second. */
export const beepsSource = `${wallOfSource}
  const beeps = () => {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    const sink = audio.createMediaStreamDestination();
    gain.gain.value = 0;
    tone.frequency.value = 1000;
    tone.connect(gain).connect(sink);
    tone.start();
    const wall = wallOf(audio);
    let last = 0;
    setInterval(() => {
      const now = performance.timeOrigin + performance.now();
      const next = Math.ceil((now + 100) / ${EVERY}) * ${EVERY};
      if (next <= last || next > now + 300) return;
      last = next;
      const at = next / 1000 - wall(0) / 1000;
      gain.gain.setValueAtTime(0.8, at);
      gain.gain.setValueAtTime(0, at + 0.06);
    }, 50);
    return sink.stream.getAudioTracks()[0];
  };`;

/** Runs in the page: notes every beep's beginning, and every picture with the clock that is drawn in it. */
const observer = `(async () => {
  ${blockClockSource}
  ${wallOfSource}
  const video = document.querySelector('video');
  const log = (window.__av = { beeps: [], pictures: [], shown: [] });
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const onFrame = (_now, { width, height }) => {
    const now = performance.timeOrigin + performance.now();
    log.shown.push(now);
    const strip = Math.ceil(width / 16);
    if (canvas.width !== width) Object.assign(canvas, { width, height: strip });
    context.drawImage(video, 0, 0, width, strip, 0, 0, width, strip);
    const clock = decodeBlockClock(context.getImageData(0, 0, width, strip));
    if (clock) log.pictures.push([now, clock.epochMs]);
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);

  const audio = new AudioContext();
  const detector = URL.createObjectURL(new Blob([\`
    registerProcessor('beeps', class extends AudioWorkletProcessor {
      quiet = 0;
      process([[samples]]) {
        if (!samples) return true;
        for (let i = 0; i < samples.length; i++) {
          if (Math.abs(samples[i]) < 0.1) this.quiet += 1;
          else {
            if (this.quiet > sampleRate / 10) this.port.postMessage((currentFrame + i) / sampleRate);
            this.quiet = 0;
          }
        }
        return true;
      }
    });
  \`], { type: 'text/javascript' }));
  await audio.audioWorklet.addModule(detector);
  const beeps = new AudioWorkletNode(audio, 'beeps');
  const wall = wallOf(audio);
  beeps.port.onmessage = ({ data }) => log.beeps.push(wall(data));
  audio.createMediaStreamSource(video.srcObject).connect(beeps).connect(audio.destination);
})()`;

/** Begins to note what the page's first video shows and sounds. */
export async function observeSync(page: Page): Promise<void> {
  await page.evaluate(observer);
}

/** How sound and picture came in a span of time. */
export interface Sync {
  /** How much later sound comes than its picture, ms; negative: earlier. */
  readonly skew: number;
  /** Medians, ms. */
  readonly sound: number;
  readonly picture: number;
  readonly beeps: number;
  readonly pictures: number;
}

interface Log {
  readonly beeps: readonly number[];
  readonly pictures: readonly (readonly [shownAt: number, drawnAt: number])[];
  /** Also those whose clock could not be read. */
  readonly shown: readonly number[];
}

/** Everything noted so far. */
export const syncLog = (page: Page): Promise<Log> => page.evaluate<Log>('window.__av');

/** The lip sync between two moments, epoch ms; undefined where no beep was heard or no picture seen. */
export function syncBetween({ beeps, pictures }: Log, from: number, to: number): Sync | undefined {
  const sounds = beeps.filter((at) => at >= from && at < to).map((at) => at % EVERY);
  const shown = pictures.filter(([at]) => at >= from && at < to).map(([at, drawn]) => at - drawn);
  if (sounds.length === 0 || shown.length === 0) return undefined;
  const [sound, picture] = [median(sounds), median(shown)];
  return { skew: sound - picture, sound, picture, beeps: sounds.length, pictures: shown.length };
}

/** The longest time between two pictures that were shown between two moments, ms. */
export function longestFreeze({ shown }: Log, from: number, to: number): number {
  const moments = [from, ...shown.filter((at) => at >= from && at <= to), to];
  return Math.round(Math.max(...moments.slice(1).map((at, i) => at - moments[i]!)));
}

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!);
