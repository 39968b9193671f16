/**
 * Caps between pads: may what an output offers flow into an input? Before start in four grades, from what manifests
 * declare; at run time by the caps that a track really has.
 */
import {
  AUDIO_CODECS,
  DATA_CODECS,
  VIDEO_CODECS,
  type CapsOffer,
  type CapsPattern,
  type MediaKind,
} from '../model/index.ts';
import type { InputOptions } from '../plugin/pads.ts';

/** How likely it is that a link carries its tracks. */
export type Grade = 'never' | 'usually-not' | 'perhaps-not' | 'always';

/** The grade of a link, with each offer that does not (surely) fit. */
export interface LinkGrade {
  readonly grade: Grade;
  readonly misfits: readonly { readonly offer: CapsOffer; readonly fit: 'no' | 'partly' }[];
  /** True where the output declares nothing, so that only the running track tells. */
  readonly unknown: boolean;
}

/** What {@link matchCaps} looks at of a running track's caps, whatever its media type. */
export interface ActualCaps {
  readonly kind?: string;
  readonly codec?: string;
  readonly bFrames?: boolean;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly width?: number;
  readonly height?: number;
}

/** The answer of {@link matchCaps}: `reason` and `mend` are sentences for the log, the API and the camera's health. */
export type CapsMatch =
  { readonly fits: true } | { readonly fits: false; readonly reason: string; readonly mend: string };

const KINDS: readonly (readonly [MediaKind, (codec: string) => boolean])[] = [
  ['video', (codec) => (VIDEO_CODECS as readonly string[]).includes(codec)],
  ['audio', (codec) => (AUDIO_CODECS as readonly string[]).includes(codec)],
  // A name with a dot is that of a package's own data: `acme.faces`.
  ['data', (codec) => (DATA_CODECS as readonly string[]).includes(codec) || codec.includes('.')],
];

const list = <T>(value: T | readonly T[] | undefined): readonly T[] | undefined =>
  value === undefined || Array.isArray(value) ? (value as readonly T[] | undefined) : [value as T];

/** The kinds that a pattern allows; a codec alone tells its kind. Undefined means any. */
export function kindsOf(pattern: CapsPattern): readonly string[] | undefined {
  const kinds = list(pattern.kind);
  const codecs = list(pattern.codec);
  if (kinds !== undefined || codecs === undefined) return kinds;
  const known = KINDS.filter(([, has]) => codecs.some(has)).map(([kind]) => kind);
  return known.length > 0 ? known : undefined;
}

const allows = (set: readonly unknown[] | undefined, value: unknown): boolean =>
  set === undefined || set.includes(value);
const includesKind = (pattern: CapsPattern, kind: MediaKind): boolean => allows(kindsOf(pattern), kind);

function overlap(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((value) => b.includes(value));
}

/** True where some caps fit both patterns. */
export function capsIntersect(a: CapsPattern, b: CapsPattern): boolean {
  const kinds = KINDS.map(([kind]) => kind).filter((kind) => includesKind(a, kind) && includesKind(b, kind));
  if (kinds.length === 0 || !overlap(list(a.codec), list(b.codec))) return false;
  return kinds.some((kind) => {
    if (kind === 'video') return a.bFrames === undefined || b.bFrames === undefined || a.bFrames === b.bFrames;
    if (kind === 'audio') {
      return overlap(list(a.sampleRate), list(b.sampleRate)) && overlap(list(a.channels), list(b.channels));
    }
    return true;
  });
}

/** True where everything that fits `narrow` fits `wide` too. */
export function capsContain(wide: CapsPattern, narrow: CapsPattern): boolean {
  const inside = (outer: readonly unknown[] | undefined, inner: readonly unknown[] | undefined): boolean =>
    outer === undefined || (inner !== undefined && inner.every((value) => outer.includes(value)));
  if (!inside(kindsOf(wide), kindsOf(narrow)) || !inside(list(wide.codec), list(narrow.codec))) return false;
  if (includesKind(narrow, 'video')) {
    if (wide.bFrames !== undefined && narrow.bFrames !== wide.bFrames) return false;
    if (wide.maxWidth !== undefined && !((narrow.maxWidth ?? Infinity) <= wide.maxWidth)) return false;
    if (wide.maxHeight !== undefined && !((narrow.maxHeight ?? Infinity) <= wide.maxHeight)) return false;
  }
  return (
    !includesKind(narrow, 'audio') ||
    (inside(list(wide.sampleRate), list(narrow.sampleRate)) && inside(list(wide.channels), list(narrow.channels)))
  );
}

const CODEC_NAMES: Readonly<Record<string, string>> = {
  h264: 'H.264', hevc: 'HEVC', av1: 'AV1', vp8: 'VP8', vp9: 'VP9', aac: 'AAC', opus: 'Opus', mp3: 'MP3',
  cea608: 'CEA-608', webvtt: 'WebVTT', scte35: 'SCTE-35', id3: 'ID3', amf: 'AMF',
}; // prettier-ignore

const codecName = (codec: string): string => CODEC_NAMES[codec] ?? codec;
const or = (words: readonly (string | number)[]): string => words.join(' or ');

/** A pattern in words: `H.264 video without B-frames`, `Opus audio at 48000 Hz`, `anything`. */
export function describeCaps(pattern: CapsPattern): string {
  const codecs = list(pattern.codec);
  const kinds = kindsOf(pattern);
  const words = [...(codecs ? [or(codecs.map(codecName))] : []), ...(kinds ? [or(kinds)] : [])];
  if (pattern.bFrames !== undefined) words.push(pattern.bFrames ? 'with B-frames' : 'without B-frames');
  const rates = list(pattern.sampleRate);
  if (rates) words.push(`at ${or(rates)} Hz`);
  const channels = list(pattern.channels);
  if (channels) words.push(`with ${or(channels)} channel${channels.length === 1 && channels[0] === 1 ? '' : 's'}`);
  if (pattern.maxWidth !== undefined || pattern.maxHeight !== undefined) {
    words.push(`up to ${pattern.maxWidth ?? 'any width'}x${pattern.maxHeight ?? 'any height'}`);
  }
  return words.length > 0 ? words.join(' ') : 'anything';
}

/** Several patterns in words. */
export const describeAccepted = (accepts: readonly CapsPattern[] | undefined): string =>
  accepts === undefined ? 'anything' : accepts.map(describeCaps).join(', ');

/** A running track in words: `HEVC video 1920x1080 with B-frames`. */
export function describeTrack(caps: ActualCaps): string {
  const words = [...(caps.codec ? [codecName(caps.codec)] : []), ...(caps.kind ? [caps.kind] : [])];
  if (caps.width !== undefined && caps.height !== undefined) words.push(`${caps.width}x${caps.height}`);
  if (caps.bFrames) words.push('with B-frames');
  if (caps.sampleRate !== undefined) words.push(`at ${caps.sampleRate} Hz`);
  if (caps.channels !== undefined) words.push(`with ${caps.channels} channel${caps.channels === 1 ? '' : 's'}`);
  return words.join(' ');
}

/** What is unknown of a running track is not held against it: a stream whose B-frames nobody signalled may flow. */
function fits(pattern: CapsPattern, actual: ActualCaps): boolean {
  const ok = (set: readonly unknown[] | undefined, value: unknown): boolean =>
    value === undefined || allows(set, value);
  return (
    ok(kindsOf(pattern), actual.kind) &&
    ok(list(pattern.codec), actual.codec) &&
    (pattern.bFrames === undefined || actual.bFrames === undefined || pattern.bFrames === actual.bFrames) &&
    ok(list(pattern.sampleRate), actual.sampleRate) &&
    ok(list(pattern.channels), actual.channels) &&
    (actual.width ?? 0) <= (pattern.maxWidth ?? Infinity) &&
    (actual.height ?? 0) <= (pattern.maxHeight ?? Infinity)
  );
}

/** May this running track flow into this input pad? */
export function matchCaps(pad: Pick<InputOptions, 'accepts' | 'mends'>, actual: ActualCaps): CapsMatch {
  if (pad.accepts === undefined || pad.accepts.some((pattern) => fits(pattern, actual))) return { fits: true };
  const mend = pad.mends?.find((entry) => fits(entry.caps, actual))?.mend;
  return {
    fits: false,
    reason: `the track is ${describeTrack(actual)}; this pad takes ${describeAccepted(pad.accepts)}`,
    mend:
      mend ?? `Let the source send ${describeAccepted(pad.accepts)}, or put a stage that converts it between the two`,
  };
}

/** An offer of several codecs as one a codec: what fits and what does not is told apart. */
function perCodec(offer: CapsOffer): CapsOffer[] {
  const codecs = list(offer.caps.codec) ?? [];
  return codecs.length < 2 ? [offer] : codecs.map((codec) => ({ ...offer, caps: { ...offer.caps, codec } }));
}

/** Patterns that differ in their codec only as one, for messages: `VP8 or VP9 video`. */
export function joinCodecs(patterns: readonly CapsPattern[]): CapsPattern[] {
  const joined = new Map<string, CapsPattern>();
  for (const { codec, ...rest } of patterns) {
    const key = JSON.stringify(rest) + String(codec === undefined);
    const codecs = [...(list(joined.get(key)?.codec) ?? []), ...(list(codec) ?? [])];
    joined.set(key, codecs.length > 0 ? { ...rest, codec: codecs.length === 1 ? codecs[0]! : codecs } : rest);
  }
  return [...joined.values()];
}

/**
 * Grades a link from what its output offers and its input accepts. Offers are judged kind by kind, since a pad may carry
 * video and audio: a kind of which every usual offer is refused usually does not flow, even if another kind does.
 */
export function gradeLink(
  offers: readonly CapsOffer[] | undefined,
  accepts: readonly CapsPattern[] | undefined,
): LinkGrade {
  if (accepts === undefined) return { grade: 'always', misfits: [], unknown: false };
  if (offers === undefined || offers.length === 0) return { grade: 'perhaps-not', misfits: [], unknown: true };
  const judged = offers.flatMap(perCodec).map((offer) => {
    if (accepts.some((pattern) => capsContain(pattern, offer.caps))) return { offer, fit: 'yes' as const };
    return {
      offer,
      fit: accepts.some((pattern) => capsIntersect(pattern, offer.caps)) ? ('partly' as const) : ('no' as const),
    };
  });
  const misfits = judged.flatMap(({ offer, fit }) => (fit === 'yes' ? [] : [{ offer, fit }]));
  if (misfits.length === 0) return { grade: 'always', misfits, unknown: false };
  if (judged.every(({ fit }) => fit === 'no')) return { grade: 'never', misfits, unknown: false };
  const refusedKind = KINDS.some(([kind]) => {
    const ofKind = judged.filter(({ offer }) => includesKind(offer.caps, kind));
    const usual = ofKind.filter(({ offer }) => offer.likelihood === 'usual');
    const decisive = usual.length > 0 ? usual : ofKind;
    return decisive.length > 0 && decisive.every(({ fit }) => fit === 'no');
  });
  return { grade: refusedKind ? 'usually-not' : 'perhaps-not', misfits, unknown: false };
}
