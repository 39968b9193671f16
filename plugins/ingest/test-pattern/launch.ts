/** The launch of the test pattern's host. */
import { siblingModule, type ConfigOf, type HostLaunch } from 'eddy/plugin';
import type { GeneratorOptions } from './host/generator.ts';
import type { fields } from './plugin.ts';

/** The stage's configuration. */
export type Config = ConfigOf<typeof fields>;

/** Where media time 0 of a publication is: on a full second of server time, so that flashes fall on pictures. */
export interface TimeZero {
  /** Monotonic ms, as `process.hrtime` counts. */
  readonly monotonic: number;
  /** Epoch ms. */
  readonly epoch: number;
}

/** Begins a second in the past: with B-frames decode times start below the first presentation time, and stay above 0. */
export function timeZero(monotonic: number, epoch: number): TimeZero {
  const back = 1000 + (epoch % 1000);
  return { monotonic: monotonic - back, epoch: epoch - back };
}

/** Describes the host. Sizes are rounded down to even numbers, which 4:2:0 pictures need. */
export function patternLaunch(stage: string, config: Config, zero: TimeZero): HostLaunch {
  const width = config.width - (config.width % 2);
  const height = config.height - (config.height % 2);
  const options: GeneratorOptions = {
    zero: zero.monotonic,
    zeroEpoch: zero.epoch,
    name: config.camera,
    width,
    height,
    fps: config.fps,
    clock: config.clock,
    tone: config.tone,
    flash: config.flash ?? null,
  };
  const raw = `video/x-raw,format=I420,width=${width},height=${height},framerate=${config.fps}/1,pixel-aspect-ratio=1/1`;
  const video = { video: `${raw},interlace-mode=progressive,colorimetry=bt601` };
  const audio = { audio: 'audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved' };
  return {
    label: `${stage} ${config.camera}`,
    launch: [videoBranch(config), ...(config.tone ? [audioBranch] : [])].join(' '),
    outputs: [{ name: 'video' }, ...(config.tone ? [{ name: 'audio' }] : [])],
    generator: {
      module: siblingModule('./host/generator', import.meta.url),
      options,
      sources: config.tone ? { ...video, ...audio } : video,
    },
  };
}

const audioBranch = '{src:audio} ! audioconvert ! avenc_aac bitrate=96000 ! {out:audio}';

function videoBranch({ fps, gop, bitrate, 'b-frames': bFrames }: Config): string {
  const keyInterval = Math.max(1, Math.round((gop / 1000) * fps));
  // Without B-frames as WebRTC takes it: constrained baseline, nothing held back.
  const reorder =
    bFrames === 0 ? 'tune=zerolatency' : `bframes=${bFrames} b-adapt=false rc-lookahead=0 sync-lookahead=0`;
  const profile = bFrames === 0 ? 'constrained-baseline' : 'main';
  return [
    '{src:video}',
    `x264enc name=encoder speed-preset=superfast threads=1 key-int-max=${keyInterval} bitrate=${Math.round(bitrate / 1000)} ` +
      `${reorder} option-string="scenecut=0:open-gop=0:min-keyint=1"`,
    `video/x-h264,profile=${profile},stream-format=avc,alignment=au`,
    '{out:video}',
  ].join(' ! ');
}
