/** Playlists as the rule checker needs them: npm `hls-parser` must accept them; the rest is read from the text itself. */
import HLS from 'hls-parser';

export interface PlaylistTags {
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly partTarget: number | undefined;
  readonly partHoldBack: number | undefined;
  readonly holdBack: number | undefined;
  readonly canSkipUntil: number | undefined;
  readonly canBlockReload: boolean;
  readonly independentSegments: boolean;
}

export interface ListedPart {
  readonly uri: string;
  readonly duration: number;
  readonly independent: boolean;
  readonly gap: boolean;
}

export interface ListedSegment {
  readonly number: number;
  /** Undefined while it is told by its parts alone. */
  uri: string | undefined;
  duration: number | undefined;
  programDateTime: number | undefined;
  discontinuity: boolean;
  gap: boolean;
  map: string | undefined;
  readonly parts: ListedPart[];
}

export interface MediaPlaylist {
  readonly tags: PlaylistTags;
  readonly segments: ListedSegment[];
  readonly skipped: number;
  readonly ended: boolean;
  readonly hint: string | undefined;
  readonly reports: { readonly uri: string; readonly msn: number | undefined; readonly part: number | undefined }[];
  /** The position to wait for next. */
  readonly next: { readonly number: number; readonly part: number };
}

type Say = (finding: string) => void;

/** Reads an attribute list (RFC 8216bis 4.2). */
export function attributes(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g))
    found.set(name!, value!.replace(/^"|"$/g, ''));
  return found;
}

/** The media playlists' URIs of a multivariant playlist. */
export function readMultivariant(text: string, say: Say): string[] {
  parseStrictly(text, say);
  const uris: string[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-MEDIA:')) {
      const uri = attributes(line).get('URI');
      if (uri !== undefined) uris.push(uri);
    }
    if (!line.startsWith('#EXT-X-STREAM-INF:')) continue;
    const found = attributes(line);
    for (const name of ['BANDWIDTH', 'AVERAGE-BANDWIDTH', 'CODECS'])
      if (!found.has(name)) say(`a variant lacks ${name}`);
    if (Number(found.get('AVERAGE-BANDWIDTH')) > Number(found.get('BANDWIDTH')))
      say('AVERAGE-BANDWIDTH is above BANDWIDTH');
    uris.push(lines[index + 1]!);
  }
  return [...new Set(uris)];
}

/** Reads a media playlist and says what no parser would accept. */
export function readMediaPlaylist(text: string, say: Say): MediaPlaylist {
  parseStrictly(text, say);
  const lines = text.split('\n');
  const tag = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2);
  const control = attributes(tag('EXT-X-SERVER-CONTROL') ?? '');
  const number = (value: string | undefined): number | undefined => (value === undefined ? undefined : Number(value));
  const skipped = Number(attributes(tag('EXT-X-SKIP') ?? '').get('SKIPPED-SEGMENTS') ?? 0);
  const mediaSequence = Number(tag('EXT-X-MEDIA-SEQUENCE') ?? 0);
  const segments = readSegments(lines, mediaSequence + skipped);
  const last = segments.at(-1);
  const ended = lines.includes('#EXT-X-ENDLIST');
  return {
    tags: {
      targetDuration: Number(tag('EXT-X-TARGETDURATION')),
      mediaSequence,
      discontinuitySequence: Number(tag('EXT-X-DISCONTINUITY-SEQUENCE') ?? 0),
      partTarget: number(attributes(tag('EXT-X-PART-INF') ?? '').get('PART-TARGET')),
      partHoldBack: number(control.get('PART-HOLD-BACK')),
      holdBack: number(control.get('HOLD-BACK')),
      canSkipUntil: number(control.get('CAN-SKIP-UNTIL')),
      canBlockReload: control.get('CAN-BLOCK-RELOAD') === 'YES',
      independentSegments: lines.includes('#EXT-X-INDEPENDENT-SEGMENTS'),
    },
    segments,
    skipped,
    ended,
    hint: attributes(tag('EXT-X-PRELOAD-HINT') ?? '').get('URI'),
    reports: lines
      .filter((line) => line.startsWith('#EXT-X-RENDITION-REPORT:'))
      .map((line) => attributes(line))
      .map((found) => ({
        uri: found.get('URI')!,
        msn: number(found.get('LAST-MSN')),
        part: number(found.get('LAST-PART')),
      })),
    next:
      !last || last.uri !== undefined
        ? { number: (last?.number ?? mediaSequence - 1) + 1, part: 0 }
        : { number: last.number, part: last.parts.length },
  };
}

function readSegments(lines: readonly string[], first: number): ListedSegment[] {
  const segments: ListedSegment[] = [];
  let map: string | undefined;
  let current: ListedSegment | undefined;
  const open = (): ListedSegment => {
    current ??= {
      ...{ number: first + segments.length, uri: undefined, duration: undefined, programDateTime: undefined },
      ...{ discontinuity: false, gap: false, map, parts: [] },
    };
    return current;
  };
  for (const line of lines) {
    const value = line.slice(line.indexOf(':') + 1);
    if (line.startsWith('#EXT-X-MAP:')) {
      map = attributes(line).get('URI');
      if (current) current.map = map;
    } else if (line === '#EXT-X-DISCONTINUITY') open().discontinuity = true;
    else if (line === '#EXT-X-GAP') open().gap = true;
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) open().programDateTime = Date.parse(value);
    else if (line.startsWith('#EXTINF:')) open().duration = Number.parseFloat(value);
    else if (line.startsWith('#EXT-X-PART:')) {
      const found = attributes(line);
      const flag = (name: string): boolean => found.get(name) === 'YES';
      const duration = Number(found.get('DURATION'));
      open().parts.push({ uri: found.get('URI')!, duration, independent: flag('INDEPENDENT'), gap: flag('GAP') });
    } else if (line !== '' && !line.startsWith('#')) {
      segments.push(Object.assign(open(), { uri: line }));
      current = undefined;
    }
  }
  if (current && current.parts.length > 0) segments.push(current);
  return segments;
}

/**
 * What `hls-parser` throws at. Its softer warnings are left out: it counts "three target durations" as three segments,
 * and takes a segment's last part for a short one in the middle while the hint after it names the next segment.
 */
function parseStrictly(text: string, say: Say): void {
  HLS.setOptions({ silent: true });
  try {
    HLS.parse(text);
  } catch (error) {
    say(`hls-parser refuses it: ${String(error)}`);
  }
}
