/** The multivariant playlist by RFC 8216bis 4.4.6. Pure: the tracks on offer, as text. */
import type { Rational } from 'eddy/plugin';
import type { LiveTrack } from '../shared/live-track.ts';
import { HLS_VERSION, partHoldBackOf } from './media-playlist.ts';

/** The name of the one audio group: every audio track is a rendition of it. */
const AUDIO_GROUP = 'audio';
/** Said of a track of which nothing was measured yet and whose source says nothing, bits a second. */
const ASSUMED = { video: 2_500_000, audio: 128_000 } as const;

/** A track as the multivariant playlist tells of it. */
export interface OfferedTrack {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  readonly rates: Rates;
  /** RFC 6381. */
  readonly codecs: readonly string[];
  /** True where every segment begins with a key frame. */
  readonly independent: boolean;
  readonly language?: string;
  readonly channels?: number;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: Rational;
}

/** Bits a second. */
export interface Rates {
  readonly peak: number;
  readonly average: number;
}

/**
 * The live multivariant playlist; `partHoldBack` is what the configuration asks for, in
 * seconds.
 */
export function multivariantPlaylist(tracks: readonly LiveTrack[], partHoldBack?: number): string {
  const video = tracks.find(({ kind }) => kind === 'video');
  return multivariantText(
    tracks.map(offered),
    (id) => `${encodeURIComponent(id)}/live.m3u8`,
    startLine(video, partHoldBack),
  );
}

/** A multivariant playlist of these tracks; `tags` are those of the whole presentation. */
export function multivariantText(
  tracks: readonly OfferedTrack[],
  uriOf: (id: string) => string,
  tags: readonly string[],
): string {
  const video = tracks.filter(({ kind }) => kind === 'video');
  const audio = tracks.filter(({ kind }) => kind === 'audio');
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${HLS_VERSION}`];
  if (tracks.every(({ independent }) => independent)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  lines.push(...tags);
  if (video.length > 0) audio.forEach((track, index) => lines.push(mediaLine(track, index === 0, uriOf(track.id))));
  // Without video every audio track is a variant of its own; a player picks one by its bit rate.
  const variants = video.length > 0 ? video : audio;
  const companions = video.length > 0 ? audio : [];
  for (const track of variants) {
    lines.push(`#EXT-X-STREAM-INF:${streamAttributes(track, companions)}`, uriOf(track.id));
  }
  return `${lines.join('\n')}\n`;
}

/** A live track as the multivariant playlist tells of it. */
export function offered(track: LiveTrack): OfferedTrack {
  const { language, channels, width, height, frameRate, codecString } = track.caps;
  return {
    id: track.id,
    kind: track.kind,
    rates: ratesOf(track),
    codecs: [codecString],
    independent: isIndependent(track),
    ...(language === undefined ? {} : { language }),
    ...(channels === undefined ? {} : { channels }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(frameRate === undefined ? {} : { frameRate }),
  };
}

const isIndependent = (track: LiveTrack): boolean => track.segments.every(({ independent }) => independent);

/**
 * EXT-X-START at the newest key frame behind the live position, where a camera's key frames are further apart than its segments
 * may be long. A player that began in between would have nothing to show until the next one; and hls.js loads what lies before
 * its position again then, whereupon a browser drops all that follows up to yet another key frame: a stall of a whole GOP.
 */
function startLine(track: LiveTrack | undefined, partHoldBack: number | undefined): string[] {
  if (!track || isIndependent(track)) return [];
  const least = partHoldBackOf(track, partHoldBack);
  let fromEnd = 0;
  for (const part of track.segments.flatMap(({ parts }) => parts).reverse()) {
    fromEnd += part.duration;
    if (part.independent && fromEnd >= least) return [`#EXT-X-START:TIME-OFFSET=-${fromEnd.toFixed(3)},PRECISE=YES`];
  }
  return [];
}

/** A quoted-string (RFC 8216bis 4.2); what it must not hold is left out, since a publisher may have chosen the words. */
const quoted = (text: string): string => `"${text.replace(/["\r\n]/g, '')}"`;

function mediaLine({ id, language, channels }: OfferedTrack, isDefault: boolean, uri: string): string {
  const attributes = [
    'TYPE=AUDIO',
    `GROUP-ID="${AUDIO_GROUP}"`,
    `NAME=${quoted(id)}`,
    ...(language === undefined ? [] : [`LANGUAGE=${quoted(language)}`]),
    `DEFAULT=${isDefault ? 'YES' : 'NO'}`,
    'AUTOSELECT=YES',
    ...(channels === undefined ? [] : [`CHANNELS="${channels}"`]),
    `URI="${uri}"`,
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

function streamAttributes(track: OfferedTrack, audio: readonly OfferedTrack[]): string {
  const { width, height, frameRate, rates } = track;
  const audioRates = audio.map((one) => one.rates);
  const most = (pick: (rates: Rates) => number): number => Math.max(0, ...audioRates.map(pick));
  const codecs = new Set([track, ...audio].flatMap((one) => one.codecs));
  const attributes = [
    `BANDWIDTH=${Math.ceil(rates.peak + most(({ peak }) => peak))}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(rates.average + most(({ average }) => average))}`,
    `CODECS=${quoted([...codecs].join(','))}`,
    ...(width === undefined || height === undefined ? [] : [`RESOLUTION=${width}x${height}`]),
    ...(frameRate === undefined ? [] : [`FRAME-RATE=${(frameRate.num / frameRate.den).toFixed(3)}`]),
    ...(audio.length > 0 ? [`AUDIO="${AUDIO_GROUP}"`] : []),
    ...(track.kind === 'video' ? ['CLOSED-CAPTIONS=NONE'] : []),
  ];
  return attributes.join(',');
}

/** Measured where anything was, else what the source says, else a guess. */
function ratesOf({ bitrate, caps, kind, targetDuration }: LiveTrack): Rates {
  const said = caps.bitrate ?? ASSUMED[kind];
  return { peak: bitrate.peak(targetDuration) ?? said, average: bitrate.average() ?? said };
}
