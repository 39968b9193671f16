/** Media Presentation Descriptions by ISO 23009-1:2022 and DASH-IF's low-latency guidelines. Pure: what is told, as text. */
import type { ChunkCaps, Rational } from 'eddy/plugin';
import { element, text, type Xml } from './xml.ts';

/** How the segments of a Representation are found. */
export type Addressing =
  | {
      readonly by: 'number';
      /** Ticks of `timescale`: exact. */
      readonly duration: number;
      readonly startNumber: number;
      /** Seconds by which a segment may be asked for before it is complete. */
      readonly early: number;
    }
  | {
      readonly by: 'time';
      readonly segments: readonly { readonly time: number; readonly duration: number }[];
      /** Where the template says their numbers: that of the first; the others count up from it. */
      readonly startNumber?: number;
    };

/** One rendition in one Period. */
export interface MpdTrack {
  readonly id: string;
  readonly caps: ChunkCaps;
  /** Bits a second, at the peak. */
  readonly bandwidth: number;
  /** Ticks a second of its template, and of the time its Period begins at. */
  readonly timescale: number;
  readonly presentationTimeOffset: number;
  /** Templates, relative to the manifest. */
  readonly initialization: string;
  readonly media: string;
  readonly addressing: Addressing;
  /** True where every segment begins with a key frame. */
  readonly independent: boolean;
}

/** A Period; times in seconds since 1970 where the manifest is dynamic, else since its beginning. */
export interface MpdPeriod {
  readonly id: string;
  readonly start: number;
  readonly duration: number | undefined;
  /** Server time (epoch ms) at which it begins. */
  readonly startTs: number;
  readonly tracks: readonly MpdTrack[];
}

/** A manifest. */
export interface Mpd {
  readonly periods: readonly MpdPeriod[];
  /** Epoch ms. */
  readonly publishTime: number;
  /** Seconds; the longest segment. */
  readonly maxSegmentDuration: number;
  /** Where the time of day is asked for (undefined: players take the moment at which it was written), and a low-latency player's target; both only where the manifest is dynamic. */
  readonly live?: {
    readonly clock: string | undefined;
    /** Seconds. */
    readonly window: number;
    readonly delay: number;
    /** Seconds; undefined where players shall not pace themselves by it. */
    readonly latency: number | undefined;
    /** Seconds until the next look; undefined once nothing follows. */
    readonly update: number | undefined;
    /** Where it is to be asked for the next time. */
    readonly location?: string;
  };
}

const PROFILES = 'urn:mpeg:dash:profile:isoff-live:2011,http://www.dashif.org/guidelines/low-latency-live-v5';
/** ChannelConfiguration, ISO 23091-3. */
const CHANNELS = 'urn:mpeg:mpegB:cicp:ChannelConfiguration';
const UTC = 'urn:mpeg:dash:utc:http-iso:2014';
const UTC_DIRECT = 'urn:mpeg:dash:utc:direct:2014';

/** `PT1.5S`: seconds with microseconds. */
const duration = (seconds: number): string => `PT${Number(seconds.toFixed(6))}S`;
const instant = (epochMs: number): string => new Date(Math.round(epochMs)).toISOString();

/** Writes the manifest. */
export function writeMpd(mpd: Mpd): string {
  const { live, periods } = mpd;
  const last = periods.at(-1);
  const total = last?.duration === undefined ? undefined : duration(last.start + last.duration);
  const attributes = live
    ? {
        type: 'dynamic',
        availabilityStartTime: '1970-01-01T00:00:00Z',
        publishTime: instant(mpd.publishTime),
        ...(live.update === undefined
          ? { mediaPresentationDuration: total }
          : { minimumUpdatePeriod: duration(live.update) }),
        timeShiftBufferDepth: duration(live.window),
        suggestedPresentationDelay: duration(live.delay),
      }
    : { type: 'static', mediaPresentationDuration: total };
  const body = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      profiles: PROFILES,
      ...attributes,
      maxSegmentDuration: duration(mpd.maxSegmentDuration),
      minBufferTime: duration(live?.latency === undefined ? 2 : 1),
    },
    live?.location === undefined ? '' : text('Location', live.location),
    live?.latency === undefined ? '' : serviceDescription(live.latency),
    periods.map((period) => writePeriod(period, live?.clock)),
    live ? timeOfDay(live.clock, mpd.publishTime) : '',
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${body}\n`;
}

/**
 * Without a server to ask it is the moment at which the manifest was written: late by as much as it lay around, by which players then
 * stay further behind; and never as wrong as a viewer's own clock may be.
 */
function timeOfDay(clock: string | undefined, written: number): Xml {
  return clock === undefined
    ? element('UTCTiming', { schemeIdUri: UTC_DIRECT, value: instant(written) })
    : element('UTCTiming', { schemeIdUri: UTC, value: clock });
}

function serviceDescription(latency: number): Xml {
  const target = Math.round(latency * 1000);
  return element(
    'ServiceDescription',
    { id: 0 },
    element('Latency', { referenceId: 0, target, min: Math.round(target * 0.75), max: Math.round(target * 1.25) }),
    element('PlaybackRate', { min: 0.96, max: 1.04 }),
  );
}

function writePeriod(period: MpdPeriod, clock: string | undefined): Xml {
  const video = period.tracks.filter(({ caps }) => caps.kind === 'video');
  const audio = period.tracks.filter(({ caps }) => caps.kind === 'audio');
  const sets = [...(video.length > 0 ? [video] : []), ...audio.map((track) => [track])];
  return element(
    'Period',
    {
      id: period.id,
      start: duration(period.start),
      duration: period.duration === undefined ? undefined : duration(period.duration),
    },
    sets.map((tracks, index) => writeSet(tracks, index, period, clock)),
  );
}

function writeSet(tracks: readonly MpdTrack[], index: number, period: MpdPeriod, clock: string | undefined): Xml {
  const [first] = tracks;
  const { kind, language } = first!.caps;
  return element(
    'AdaptationSet',
    {
      id: index + 1,
      contentType: kind,
      lang: language,
      segmentAlignment: true,
      // SAP type 1: a closed GOP at the beginning of every segment; left out where that is not so.
      startWithSAP: tracks.every(({ independent }) => independent) ? 1 : undefined,
    },
    clock !== undefined
      ? element(
          'ProducerReferenceTime',
          {
            id: 0,
            type: 'captured',
            wallClockTime: instant(period.startTs),
            presentationTime: first!.presentationTimeOffset,
            inband: true,
          },
          element('UTCTiming', { schemeIdUri: UTC, value: clock }),
        )
      : '',
    element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value: 'main' }),
    tracks.map(writeTrack),
  );
}

function writeTrack(track: MpdTrack): Xml {
  const { caps } = track;
  const { frameRate } = caps;
  return element(
    'Representation',
    {
      id: track.id,
      mimeType: `${caps.kind}/mp4`,
      codecs: caps.codecString,
      bandwidth: Math.max(1, Math.ceil(track.bandwidth)),
      ...(caps.kind === 'video'
        ? {
            width: caps.width,
            height: caps.height,
            frameRate: frameRate && rateText(frameRate),
          }
        : { audioSamplingRate: caps.sampleRate }),
    },
    caps.channels === undefined
      ? ''
      : element('AudioChannelConfiguration', {
          schemeIdUri: CHANNELS,
          value: caps.channels === 8 ? 12 : caps.channels,
        }),
    writeTemplate(track),
  );
}

/** `30` or `30000/1001`. */
function rateText({ num, den }: Rational): string {
  const whole = num / den;
  return Number.isInteger(whole) ? String(whole) : `${num}/${den}`;
}

function writeTemplate({ addressing, ...track }: MpdTrack): Xml {
  const common = {
    timescale: track.timescale,
    presentationTimeOffset: track.presentationTimeOffset,
    initialization: track.initialization,
    media: track.media,
  };
  if (addressing.by === 'time') {
    const { startNumber } = addressing;
    return element(
      'SegmentTemplate',
      { ...common, startNumber },
      element('SegmentTimeline', {}, writeRuns(addressing.segments)),
    );
  }
  const { duration, startNumber, early } = addressing;
  return element('SegmentTemplate', {
    ...common,
    duration,
    startNumber,
    ...(early > 0 && { availabilityTimeOffset: Number(early.toFixed(3)), availabilityTimeComplete: false }),
  });
}

/** Segments of one duration that follow each other are one S element. */
function writeRuns(segments: readonly { readonly time: number; readonly duration: number }[]): Xml[] {
  const runs: { t?: number; d: number; r: number }[] = [];
  let next: number | undefined;
  for (const { time, duration } of segments) {
    const last = runs.at(-1);
    if (last && time === next && last.d === duration) last.r += 1;
    else runs.push({ ...(time !== next && { t: time }), d: duration, r: 0 });
    next = time + duration;
  }
  return runs.map(({ t, d, r }) => element('S', { t, d, r: r > 0 ? r : undefined }));
}
