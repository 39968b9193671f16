/** Frames as RTP packets with their timestamps and sender reports: H.264 and Opus. */
import { randomInt } from 'node:crypto';
import {
  h264Payloads,
  opusPacketDuration,
  parseAvcConfig,
  RtpStreamWriter,
  splitLengthPrefixed,
  writeNtp,
} from 'eddy/media';
import {
  rescale,
  type AccessUnit,
  type InputTrack,
  type LatencyFrom,
  type RtpParameters,
  type VideoCaps,
} from 'eddy/plugin';
import { ABS_CAPTURE_TIME, CaptureDelay } from './capture-time.ts';

/** What fits in a packet with the header, a capture time, and the extensions that the SFU adds for a viewer, on any network. */
const PAYLOAD_LIMIT = 1172;
const PAYLOAD_TYPE = { video: 102, audio: 111 } as const;
const CLOCK_RATE = { video: 90_000, audio: 48_000 } as const;
/** A sender report goes out this often, ms. */
const REPORT_MS = 1000;
/** A capture time goes out this often, ms; receivers reckon those between. */
const CAPTURE_TIME_MS = 200;
/** The id that mediasoup gives to abs-capture-time. */
const CAPTURE_TIME_ID = 10;

type Kind = 'video' | 'audio';

/** One stream. It goes on when another track takes the place of the one before. */
export class FrameSender {
  readonly #kind: Kind;
  readonly #writer: RtpStreamWriter;
  readonly #ssrc = randomInt(1, 2 ** 32);
  readonly #cname: string;
  readonly #times: RtpTimes;
  #sets: readonly Uint8Array[] = [];
  readonly #captureDelay = new CaptureDelay();
  #reportedAt = -Infinity;
  #timedAt = -Infinity;

  /** `cname`: what the streams of one camera share. */
  constructor(kind: Kind, cname: string) {
    this.#kind = kind;
    this.#cname = cname;
    this.#times = new RtpTimes(CLOCK_RATE[kind]);
    const sequence = randomInt(2 ** 16);
    this.#writer = new RtpStreamWriter({ ssrc: this.#ssrc, payloadType: PAYLOAD_TYPE[kind], cname, sequence });
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  get rtpParameters(): RtpParameters {
    const common = { payloadType: PAYLOAD_TYPE[this.#kind], clockRate: CLOCK_RATE[this.#kind] };
    const codec =
      this.#kind === 'video'
        ? {
            ...common,
            mimeType: 'video/H264',
            // Whatever the profile: players offer the baseline and decode the others too. No B-frames is what counts.
            parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
            rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }],
          }
        : { ...common, mimeType: 'audio/opus', channels: 2, parameters: { 'sprop-stereo': 1, useinbandfec: 1 } };
    return {
      codecs: [codec],
      headerExtensions: [{ uri: ABS_CAPTURE_TIME, id: CAPTURE_TIME_ID }],
      encodings: [{ ssrc: this.#ssrc }],
      rtcp: { cname: this.#cname, reducedSize: true },
    };
  }

  /** A track begins, or its timeline breaks: timestamps go on by server time. Throws a MediaError. */
  begin(track: InputTrack<'frames'>): void {
    this.#times.begin(track);
    if (this.#kind !== 'video') return;
    const { sps, pps } = parseAvcConfig((track.caps as VideoCaps).config);
    this.#sets = [...sps, ...pps];
  }

  /** The packets of a frame. Throws a MediaError. */
  packets(unit: AccessUnit): Uint8Array[] {
    const payloads = this.#kind === 'video' ? h264Payloads(this.#nals(unit), PAYLOAD_LIMIT) : [[unit.data]];
    const timestamp = this.#times.of(unit);
    return this.#writer.frame(payloads, timestamp, this.#captureTime(unit, this.#times.last!.wall));
  }

  /** Whether the capture times that it sends are those of the camera. */
  get timedFrom(): LatencyFrom {
    return this.#captureDelay.ms === undefined ? 'ingest' : 'capture';
  }

  /**
   * A sender report, where it is time for one. `now` is server time, epoch ms: a report is about the moment at which it is
   * sent (RFC 3550 6.4.1), wherever the media is. Routers take the difference between that and its arrival for the
   * difference between two clocks: a report about the last frame would hide how far a transcoder holds sound back.
   */
  report(now: number): Uint8Array | undefined {
    const { last } = this.#times;
    if (Math.abs(now - this.#reportedAt) < REPORT_MS || !last) return undefined;
    this.#reportedAt = now;
    const ahead = Math.round(((now - last.wall) * CLOCK_RATE[this.#kind]) / 1000);
    return this.#writer.report(now, last.timestamp + ahead);
  }

  /**
   * The moment that the frame shows, by this server's clock: taken from where it lies on its track, so that sound and
   * pictures stay in step to the sample, less what the camera's frames take to come, where they tell.
   */
  #captureTime(unit: AccessUnit, wall: number): { id: number; data: Uint8Array }[] | undefined {
    this.#captureDelay.note(unit, wall);
    if (Math.abs(wall - this.#timedAt) < CAPTURE_TIME_MS && !(unit.key && this.#kind === 'video')) return undefined;
    this.#timedAt = wall;
    const data = new Uint8Array(8);
    writeNtp(data, 0, wall - (this.#captureDelay.ms ?? 0));
    return [{ id: CAPTURE_TIME_ID, data }];
  }

  /** A key frame goes with its parameter sets: whoever joins begins there, and the SFU forwards nothing before it. */
  #nals(unit: AccessUnit): Uint8Array[] {
    const nals = splitLengthPrefixed(unit.data).filter((nal) => (nal[0]! & 0x1f) !== 9);
    const hasSets = nals.some((nal) => (nal[0]! & 0x1f) === 7);
    return unit.key && !hasSets ? [...this.#sets, ...nals] : nals;
  }
}

/**
 * RTP timestamps of a track. They count by the track's own clock, and begin, after a start or a break, where server time
 * is: sound and pictures stay in step, and viewers that stay see time go on.
 */
class RtpTimes {
  /** The frame before: its timestamp, and its moment in server time (epoch ms). */
  last: { readonly timestamp: number; readonly wall: number } | undefined;
  readonly #rate: number;
  readonly #offset = randomInt(2 ** 31);
  #track: InputTrack<'frames'> | undefined;
  #anchor: { readonly pts: number; readonly timestamp: number } | undefined;
  /** Where the sound so far ends. */
  #next: number | undefined;

  constructor(rate: number) {
    this.#rate = rate;
  }

  begin(track: InputTrack<'frames'>): void {
    this.#track = track;
    this.#anchor = undefined;
    this.#next = undefined;
  }

  of(unit: AccessUnit): number {
    const { clock, caps } = this.#track!;
    const wall = clock.toWall(unit.pts, caps.timescale) ?? unit.arrivedAt;
    this.#anchor ??= { pts: unit.pts, timestamp: this.#offset + Math.round((wall * this.#rate) / 1000) };
    let timestamp = this.#anchor.timestamp + rescale(unit.pts - this.#anchor.pts, caps.timescale, this.#rate);
    if (caps.kind === 'audio') {
      // RTMP counts milliseconds: packets of 20 ms that come at 19 and 21 are no gaps.
      const tolerance = (2 * this.#rate) / caps.timescale;
      if (this.#next !== undefined && Math.abs(timestamp - this.#next) <= tolerance) timestamp = this.#next;
      this.#next = timestamp + opusPacketDuration(unit.data);
    }
    this.last = { timestamp, wall };
    return timestamp;
  }
}
