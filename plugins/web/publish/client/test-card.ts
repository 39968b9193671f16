/** A picture and a sound that need no device: the clock that machines read, one for people, bars, and a beep a second. */
import { blockClockBits, blockClockHeight } from 'eddy/media';

/** Options of {@link startTestCard}. */
export interface TestCardOptions {
  readonly camera: string;
  readonly workerUrl: string;
  /** Lines of the picture, one of {@link CARD_HEIGHTS}. */
  readonly height: number;
  /** How far the server's clock is ahead, ms. */
  readonly clockOffset: () => number;
}

/** Sizes at which the machine-readable clock falls on whole pixels, the usual one first. */
export const CARD_HEIGHTS: readonly number[] = [720, 540, 360, 180];
/** What is drawn is drawn in these coordinates. */
const WIDTH = 1280;
const HEIGHT = 720;
const RATE = 30;
const BARS = ['#c0c0c0', '#c0c000', '#00c0c0', '#00c000', '#c000c0', '#c00000', '#0000c0'];

/** 16:9 at 30 pictures a second, with sound. `stop` by stopping its tracks. */
export function startTestCard(options: TestCardOptions): MediaStream {
  const scale = options.height / HEIGHT;
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH * scale;
  canvas.height = HEIGHT * scale;
  const context = canvas.getContext('2d', { alpha: false })!;
  context.scale(scale, scale);
  const background = drawBackground(options.camera);
  const stream = canvas.captureStream(0);
  const picture = stream.getVideoTracks()[0] as CanvasCaptureMediaStreamTrack;
  const ticker = new Worker(options.workerUrl, { type: 'module' });
  const sound = startTone();
  stream.addTrack(sound.track);
  ticker.onmessage = ({ data: count }: MessageEvent<number>) => {
    if (picture.readyState === 'ended') {
      ticker.terminate();
      sound.stop();
      return;
    }
    const now = performance.timeOrigin + performance.now() + options.clockOffset();
    context.drawImage(background, 0, 0);
    drawMotion(context, now);
    drawClock(context, now, count);
    picture.requestFrame();
    ticker.postMessage('done');
  };
  ticker.postMessage({ interval: 1000 / RATE });
  return stream;
}

function drawBackground(camera: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d', { alpha: false })!;
  context.fillStyle = '#10181e';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const top = blockClockHeight(WIDTH) + 20;
  const width = Math.ceil(WIDTH / BARS.length);
  for (const [index, colour] of BARS.entries()) {
    context.fillStyle = colour;
    context.fillRect(index * width, top, width, 250);
  }
  context.fillStyle = '#e6edf3';
  context.font = '600 44px system-ui, sans-serif';
  context.fillText(camera, 60, 450);
  context.font = '26px system-ui, sans-serif';
  context.fillStyle = '#93a4b3';
  context.fillText('Test card', 60, 490);
  return canvas;
}

/** What moves: a hand that turns once in two seconds, the time, and a lamp with the beep. */
function drawMotion(context: CanvasRenderingContext2D, now: number): void {
  const at = new Date(now);
  context.fillStyle = '#e6edf3';
  context.font = '600 92px ui-monospace, Menlo, monospace';
  context.fillText(`${at.toISOString().slice(11, 23)}`, 60, 630);
  const turn = ((now % 2000) / 2000) * 2 * Math.PI;
  context.lineWidth = 10;
  context.strokeStyle = '#22303a';
  context.beginPath();
  context.arc(1080, 530, 120, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = '#5eead4';
  context.beginPath();
  context.arc(1080, 530, 120, turn - 0.9, turn);
  context.stroke();
  context.fillStyle = now % 1000 < BEEP ? '#ff5c64' : '#22303a';
  context.beginPath();
  context.arc(1080, 530, 46, 0, 2 * Math.PI);
  context.fill();
}

function drawClock(context: CanvasRenderingContext2D, now: number, count: number): void {
  const size = WIDTH / 32;
  for (const [index, bit] of blockClockBits(Math.round(now), count % 1024).entries()) {
    context.fillStyle = bit ? '#fff' : '#000';
    context.fillRect((index % 32) * size, Math.floor(index / 32) * size, size, size);
  }
}

const BEEP = 120;

/** A quiet tone, louder for a moment at each second. Without permission to make sound (no click yet) it is silence. */
function startTone(): { track: MediaStreamTrack; stop(): void } {
  const context = new AudioContext();
  void context.resume().catch(() => {});
  const out = context.createMediaStreamDestination();
  const gain = context.createGain();
  const tone = context.createOscillator();
  tone.frequency.value = 440;
  gain.gain.value = 0.02;
  tone.connect(gain).connect(out);
  tone.start();
  const beep = setInterval(() => {
    const untilSecond = (1000 - (Date.now() % 1000)) / 1000;
    gain.gain.setValueAtTime(0.2, context.currentTime + untilSecond);
    gain.gain.setValueAtTime(0.02, context.currentTime + untilSecond + BEEP / 1000);
  }, 1000);
  return {
    track: out.stream.getAudioTracks()[0]!,
    stop: () => {
      clearInterval(beep);
      void context.close();
    },
  };
}
