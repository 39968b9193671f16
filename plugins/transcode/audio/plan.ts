/** What a track becomes: its caps, the launch that makes it, and how its codecs count time. */
import { siblingModule, type AudioCaps, type ConfigOf, type HostLaunch } from 'eddy/plugin';
import {
  audioCapsFromConfig,
  buildAacConfig,
  buildDops,
  opusPacketDuration,
  parseAacConfig,
  parseDops,
  parseMp3Header,
} from 'eddy/media';
import type { LoudnessOptions } from './host/loudness.ts';
import type { manifest } from './plugin.ts';
import { AAC_RATES, OPUS_RATE } from './rates.ts';

/** The stage's configuration. */
export type Config = ConfigOf<(typeof manifest)['config']>;

/** Names of the streams in the launch. */
export const STREAM = { in: 'in', out: 'out' } as const;
/** Names of what the loudness is measured at, and of what it moves. */
const TAP = 'heard';
const GAIN = 'gain';

/** A launch that has input and gives nothing for so long is stalled, in ms; less may be want of processor time. */
export const STALL_MS = 4000;
/** At 5 of 10 Opus costs 0.7% of a core a camera instead of 1.05%; above it nobody hears a difference at these rates. */
const OPUS_COMPLEXITY = 5;
/** avenc_aac puts one frame of silence first and gives it the time of the first samples. */
const AAC_LEAD = 1024;

/** What becomes of a track. */
export interface Plan {
  /** Of what comes out. */
  readonly caps: AudioCaps;
  /** Samples a second at which the input's frames are counted, and how many one has. */
  readonly inputRate: number;
  readonly samplesOf: (data: Uint8Array) => number;
  /** Samples of one frame of what comes out. */
  readonly outputFrame: number;
  /**
   * By how many samples a decoder's output is late against what the encoder took in: GStreamer does not take it out, or
   * only by half. `first`: of the first frame, `rest`: of all others.
   */
  readonly lead: (made: AudioCaps) => { readonly first: number; readonly rest: number };
  readonly launch: Omit<HostLaunch, 'label'>;
}

/** True where a track needs no transcoding. */
export function passes(config: Config, caps: AudioCaps): boolean {
  return (
    config.passthrough &&
    config.loudness === undefined &&
    caps.codec === config.codec &&
    (config.channels ?? caps.channels) === caps.channels &&
    (config['sample-rate'] ?? caps.sampleRate) === caps.sampleRate
  );
}

/** Plans a track. Throws a MediaError for a configuration record that cannot be read. */
export function planFor(config: Config, caps: AudioCaps): Plan {
  const source = readSource(caps);
  const channels = config.channels ?? Math.min(2, source.channels);
  const sampleRate = config.codec === 'opus' ? OPUS_RATE : (config['sample-rate'] ?? nearestRate(source.outputRate));
  const bitrate = config.bitrate ?? (config.codec === 'opus' ? 48_000 : 64_000) * channels;
  const encoder =
    config.codec === 'opus'
      ? `opusenc bitrate=${bitrate} complexity=${OPUS_COMPLEXITY} frame-size=20`
      : `avenc_aac bitrate=${bitrate}`;
  const { loudness } = config;
  const launch = [
    `{in:${STREAM.in}}`,
    source.decoder,
    // What was lost, or came out short, is silence: the encoder sees a line of samples without a hole.
    'audiorate skip-to-first=true tolerance=1000000',
    'audioconvert',
    'audioresample',
    ...(loudness === undefined
      ? [`audio/x-raw,rate=${sampleRate},channels=${channels}`]
      : levelled(sampleRate, channels)),
    encoder,
    `{out:${STREAM.out}}`,
  ].join(' ! ');
  return {
    caps: outputCaps(config.codec, channels, sampleRate, bitrate, caps),
    inputRate: source.rate,
    samplesOf: source.samplesOf,
    outputFrame: config.codec === 'opus' ? OPUS_RATE / 50 : 1024,
    lead: ({ codec, config: made }) => {
      if (codec !== 'opus') return { first: AAC_LEAD, rest: AAC_LEAD };
      // opusenc takes the encoder's delay out of the time of all packets but the first, which would be below its start.
      return { first: parseDops(made).preSkip, rest: 0 };
    },
    launch: {
      launch,
      ...(loudness !== undefined && { monitor: loudnessMonitor(loudness, sampleRate, channels) }),
      inputs: [{ name: STREAM.in, caps: source.caps }],
      outputs: [{ name: STREAM.out }],
      share: 'audio',
      stallTimeout: STALL_MS,
    },
  };
}

/** Samples that the monitor hears go on through the gain that it moves; peaks that the gain drives too high are bent, not cut. */
const levelled = (rate: number, channels: number): readonly string[] => [
  rawFloat(rate, channels),
  `tee name=heard heard. ! audiobuffersplit output-buffer-duration=1/10 ! {tap:${TAP}} heard.`,
  `volume name=${GAIN}`,
  'rglimiter',
  'audioconvert',
];

const loudnessMonitor = (target: number, rate: number, channels: number): NonNullable<HostLaunch['monitor']> => ({
  module: siblingModule('./host/loudness', import.meta.url),
  options: { target, rate, channels, gain: GAIN } satisfies LoudnessOptions,
  tap: TAP,
  caps: rawFloat(rate, channels),
});

const rawFloat = (rate: number, channels: number): string =>
  `audio/x-raw,format=F32LE,layout=interleaved,rate=${rate},channels=${channels}`;

interface Source {
  readonly decoder: string;
  /** For the launch: its time counts samples, and a decoder is to give every sample that it makes. */
  readonly caps: AudioCaps;
  readonly rate: number;
  readonly outputRate: number;
  readonly channels: number;
  readonly samplesOf: (data: Uint8Array) => number;
}

function readSource(caps: AudioCaps): Source {
  switch (caps.codec) {
    case 'aac': {
      const { sampleRate, outputRate, frameLength, objectType, channels } = parseAacConfig(caps.config);
      return {
        decoder: 'avdec_aac',
        caps: { ...caps, timescale: sampleRate },
        rate: sampleRate,
        outputRate,
        // Parametric stereo is one coded channel.
        channels: objectType === 29 ? 2 : channels,
        samplesOf: () => frameLength,
      };
    }
    case 'opus': {
      // Timestamps say where a decoder's first sample belongs, the pre-skip included: none is to be thrown away.
      const config = buildDops({ ...parseDops(caps.config), preSkip: 0 });
      return {
        decoder: 'opusdec',
        caps: { ...caps, config, timescale: OPUS_RATE },
        rate: OPUS_RATE,
        outputRate: OPUS_RATE,
        channels: caps.channels,
        samplesOf: opusPacketDuration,
      };
    }
    case 'mp3':
      return {
        decoder: 'avdec_mp3',
        caps: { ...caps, timescale: caps.sampleRate },
        rate: caps.sampleRate,
        outputRate: caps.sampleRate,
        channels: caps.channels,
        samplesOf: (data) => parseMp3Header(data).frameLength,
      };
  }
}

function nearestRate(rate: number): number {
  return AAC_RATES.find((each) => each >= rate) ?? 48_000;
}

function outputCaps(
  codec: 'opus' | 'aac',
  channels: number,
  sampleRate: number,
  bitrate: number,
  { language }: AudioCaps,
): AudioCaps {
  // No pre-skip: whoever joins a live stream would throw away samples of its midst. The timestamps have it taken out.
  const opus = { channels, preSkip: 0, inputRate: OPUS_RATE, gain: 0, mappingFamily: 0, mapping: new Uint8Array(0) };
  const config = codec === 'opus' ? buildDops(opus) : buildAacConfig({ sampleRate, channels });
  return { ...audioCapsFromConfig(codec, config), bitrate, ...(language !== undefined && { language }) };
}
