/** Live manifests over simulated hours: every rule holds at every update, and numbers never lie about media time. */
import { parse } from 'mpd-parser';
import { describe, expect, it } from 'vitest';
import type { CameraId, Chunk, ChunkCaps } from 'eddy/plugin';
import { VirtualClock } from '../../../core/testing/clock.ts';
import { liveMpd } from '../../../plugins/publish/dash/live-mpd.ts';
import { writeMpd } from '../../../plugins/publish/dash/mpd.ts';
import { Periods } from '../../../plugins/publish/dash/periods.ts';
import { LiveCamera } from '../../../plugins/publish/shared/live-camera.ts';
import { meetBar } from '../../bar.ts';
import { audioCaps, FIRST, START, videoCaps } from '../../support/chunks.ts';
import { checkMpd, checkUpdate } from '../../support/dash-rules.ts';
import { type ReadMpd, readMpd } from '../../support/dash-text.ts';

/** A camera whose segments are one part each: what is simulated is hours, not parts. */
class Simulation {
  readonly camera = new LiveCamera('cam1' as CameraId, { window: 60, grace: 60 }, new VirtualClock());
  readonly periods = new Periods(this.camera);
  readonly findings = new Set<string>();
  /** How far segments begin from where the manifest says, as a share of their duration; the worst. */
  worst = 0;
  /** Manifests that were looked at. */
  looks = 0;
  mpd: ReadMpd | undefined;
  /** The newest manifest as text. */
  xml = '';
  readonly #caps: Readonly<Record<string, ChunkCaps>>;
  #number = FIRST;
  /** Ticks of each track; audio begins with the first picture of a publication. */
  readonly #media: { video: number; audio: number | undefined } = { video: 1_600_000_000, audio: undefined };
  #wall = START;

  constructor(caps: Readonly<Record<string, ChunkCaps>>) {
    this.#caps = caps;
    for (const [id, one] of Object.entries(caps)) this.camera.begin(id, one);
  }

  /** A segment of every track: video of `ticks`, audio in whole frames as near as they come. `drift`: ms that the clocks part. */
  segment(ticks: number, { drift = 0, discontinuity = false, writer = 'w1' } = {}): void {
    const { video, audio } = this.#caps;
    const seconds = ticks / video!.timescale;
    this.#wall += drift;
    const common = {
      segment: this.#number,
      part: 0,
      last: true,
      independent: true,
      startTs: this.#wall,
      discontinuity,
      writer,
    };
    const data = new Uint8Array(10);
    this.#take('video', { ...common, baseTime: this.#media.video, duration: ticks, data });
    this.#media.video += ticks;
    if (audio) {
      const inAudio = (at: number): number => Math.ceil((at / video!.timescale) * audio.timescale);
      const begin = (this.#media.audio ??= inAudio(this.#media.video - ticks));
      const frames = Math.ceil((inAudio(this.#media.video) - begin) / 1024);
      this.#take('audio', { ...common, baseTime: begin, duration: frames * 1024, data });
      this.#media.audio = begin + frames * 1024;
    }
    this.#wall += seconds * 1000;
    this.#number += 1;
    // Every update obeys the rules; that of every seventh segment, and of each that breaks a Period, is looked at.
    if (this.#number % 7 === 0 || this.periods.list.at(-1)?.published !== true) this.look();
  }

  /** Server time, epoch ms. */
  get now(): number {
    return this.#wall;
  }

  /** The publisher is away; numbers go on. */
  away(seconds: number): void {
    for (const track of this.camera.tracks.values()) this.camera.pause(track);
    this.look();
    this.#wall += seconds * 1000;
    this.#media.video += Math.round(seconds * this.#caps.video!.timescale);
    this.#media.audio = undefined;
    for (const [id, caps] of Object.entries(this.#caps)) this.camera.begin(id, caps);
  }

  #take(id: string, chunk: Chunk): void {
    this.camera.append(this.camera.tracks.get(id)!, chunk);
  }

  /** Asks for the manifest and holds it against the rules, and against what was told before. */
  look(): void {
    const mpd = liveMpd(this.camera, this.periods, { now: this.#wall, latency: 1.8 });
    if (!mpd) return;
    this.looks += 1;
    const read = readMpd((this.xml = writeMpd(mpd)));
    for (const finding of [...checkMpd(read), ...(this.mpd ? checkUpdate(this.mpd, read) : [])])
      this.findings.add(finding);
    this.mpd = read;
    const period = read.periods.at(-1)!;
    for (const { id, startNumber, duration, timescale, offset } of period.tracks) {
      const track = this.camera.tracks.get(id)!;
      if (startNumber === undefined || duration === undefined) continue;
      for (const segment of track.segments.slice(-7)) {
        if (segment.number < startNumber) continue;
        const told = (offset + (segment.number - startNumber) * duration) / timescale;
        const off = segment.baseTime / segment.init.caps.timescale - told;
        this.worst = Math.max(this.worst, Math.abs(off) / (duration / timescale));
      }
    }
  }
}

/** The video segments that may be fetched now, as a parser reads it that nobody here wrote. */
function readByOthers(simulation: Simulation): { readonly uri: string; readonly duration: number }[] {
  const { playlists } = parse(simulation.xml, {
    manifestUri: 'http://eddy/dash/cam1/manifest.mpd',
    NOW: simulation.now,
  });
  return playlists
    .find(({ attributes }) => attributes.NAME === 'video')!
    .segments.map(({ uri, duration }) => ({ uri, duration }));
}

const NTSC = { timescale: 30_000, frameRate: { num: 30_000, den: 1001 } };
const kinds = (mpd: ReadMpd | undefined) =>
  mpd?.periods.map(({ tracks }) => (tracks[0]!.segments === undefined ? 'number' : 'time'));

describe('a camera with regular GOPs', () => {
  it.each([
    ['29.97 fps, 60 frames', videoCaps(NTSC), 60_060, 1799],
    ['29.97 fps, GOP 1.67 s', videoCaps(NTSC), 50_050, 2158],
    ['30 fps, GOP 1.67 s', videoCaps(), 150_000, 2160],
  ])('is addressed by number for 60 minutes: %s', (_what, caps, ticks, count) => {
    const simulation = new Simulation({ video: caps, audio: audioCaps() });
    for (let index = 0; index < count; index += 1) simulation.segment(ticks);
    expect([...simulation.findings]).toEqual([]);
    expect(kinds(simulation.mpd)).toEqual(['number']);
    const [video, audio] = simulation.mpd!.periods[0]!.tracks;
    // Exact: 60 frames of 29.97 fps are 2.002 s in any timescale.
    expect(video!.duration! / video!.timescale).toBe(ticks / caps.timescale);
    expect(audio!.duration! / audio!.timescale).toBe(ticks / caps.timescale);
    // An audio frame is 21 ms; video begins on the tick.
    expect(simulation.worst).toBeLessThan(0.013);
  });

  it('is addressed by number before and after a gap: 60 minutes of 29.97 fps, GOP 1.67 s', () => {
    const simulation = new Simulation({ video: videoCaps(NTSC), audio: audioCaps() });
    const played: (ReadMpd | undefined)[] = [];
    for (const stretch of [1078, 1080]) {
      if (played.length > 0) simulation.away(7);
      for (let index = 0; index < stretch; index += 1)
        simulation.segment(50_050, { discontinuity: played.length > 0 && index === 0 });
      simulation.look();
      played.push(simulation.mpd);
    }
    const durations = played.map((mpd) =>
      mpd!.periods.map(({ tracks: [video] }) => video!.duration! / video!.timescale),
    );
    const exact = durations.flat().every((duration) => duration === 50_050 / 30_000);
    meetBar({
      what: 'DASH: 29.97 fps for 60 simulated minutes, GOP 1.67 s, a gap',
      bar: 'the rules of MPDs hold at every update; $Number$ only while every segment begins within 25% of nominal',
      measured: `${simulation.findings.size} findings in ${simulation.looks} manifests; by number throughout, at most ${(simulation.worst * 100).toFixed(1)}% off`,
      pass: simulation.findings.size === 0 && exact && simulation.worst < 0.013,
    });
  });

  it('is read by mpd-parser as it was written: every segment that there is, under its name', () => {
    const simulation = new Simulation({ video: videoCaps(), audio: audioCaps() });
    for (let index = 0; index < 20; index += 1) simulation.segment(180_000);
    simulation.look();
    const { segments } = simulation.camera.tracks.get('video')!;
    expect(readByOthers(simulation)).toEqual(
      segments.map(({ number }) => ({ uri: `video/w1.${number}.m4s`, duration: 2 })),
    );
  });

  it('begins a Period where its clock and the server have run apart by a quarter of a segment', () => {
    const simulation = new Simulation({ video: videoCaps() });
    // 200 ppm: half a second in 42 minutes.
    for (let index = 0; index < 1800; index += 1) simulation.segment(180_000, { drift: 0.4 });
    expect([...simulation.findings]).toEqual([]);
    expect(simulation.worst).toBeLessThanOrEqual(0.25);
    expect(simulation.periods.list.every(({ addressing }) => addressing === 'number')).toBe(true);
    const { startTs, media } = simulation.periods.list.at(-1)!;
    const last = simulation.camera.tracks.get('video')!.last!;
    const presented = startTs + ((last.baseTime - media.ticks) / 90_000) * 1000;
    expect(Math.abs(presented - last.startTs)).toBeLessThanOrEqual(500);
  });

  it('goes on by number in a new Period after its publisher was away', () => {
    const simulation = new Simulation({ video: videoCaps(), audio: audioCaps() });
    for (let index = 0; index < 8; index += 1) simulation.segment(180_000);
    simulation.away(7);
    expect(simulation.mpd!.periods[0]!.duration).toBeUndefined();
    for (let index = 0; index < 3; index += 1) simulation.segment(180_000, { discontinuity: index === 0 });
    expect([...simulation.findings]).toEqual([]);
    expect(kinds(simulation.mpd)).toEqual(['number', 'number']);
    const [before, after] = simulation.mpd!.periods;
    expect(after!.start - before!.start).toBeCloseTo(23, 2);
    expect(before!.duration).toBeCloseTo(16, 1);
  });

  it('measures anew when its GOPs change their length', () => {
    const simulation = new Simulation({ video: videoCaps() });
    for (let index = 0; index < 20; index += 1) simulation.segment(180_000);
    for (let index = 0; index < 20; index += 1) simulation.segment(270_000);
    expect([...simulation.findings]).toEqual([]);
    expect(kinds(simulation.mpd)!.at(-1)).toBe('number');
    expect(simulation.mpd!.periods.at(-1)!.tracks[0]!.duration).toBe(270_000);
  });
});

describe('a camera without regular GOPs', () => {
  it('has its segments listed, once two Periods by number broke', () => {
    const simulation = new Simulation({ video: videoCaps(), audio: audioCaps() });
    const lengths = [180_000, 260_000, 190_000, 320_000, 181_000, 200_000];
    for (let index = 0; index < 60; index += 1) simulation.segment(lengths[index % lengths.length]!);
    simulation.look();
    expect([...simulation.findings]).toEqual([]);
    expect(simulation.periods.list.at(-1)!.addressing).toBe('time');
    const track = simulation.mpd!.periods.at(-1)!.tracks[0]!;
    const listed = simulation.camera.tracks.get('video')!.segments.map(({ baseTime, ticks }) => [baseTime, ticks]);
    expect(track.segments!.map(({ time, duration }) => [time, duration])).toEqual(
      listed.slice(-track.segments!.length),
    );
    expect(simulation.worst).toBeLessThanOrEqual(0.25);
    // mpd-parser keeps Periods that have gone by too.
    expect(readByOthers(simulation).slice(-track.segments!.length)).toEqual(
      track.segments!.map(({ time, duration }) => ({
        uri: track.media.replace('$Time$', String(time)),
        duration: duration / track.timescale,
      })),
    );
  });
});
