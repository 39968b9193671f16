/**
 * Checks a live LL-HLS stream at any URL against RFC 8216bis and what players enforce: follows every media playlist for
 * a while by blocking reloads and returns what is wrong, in plain words. An empty list is a clean stream.
 */
import { type MediaPlaylist, type PlaylistTags, readMultivariant, readMediaPlaylist } from './hls-text.ts';

export interface RuleOptions {
  /** How long every media playlist is followed, ms. */
  readonly forMs: number;
  /** Parts other than a segment's last are at least this share of PART-TARGET; 0 for sources of variable rate. */
  readonly leastPart?: number;
  /** The source may lose frames: a segment may be shorter than the time to the next one (docs/decisions/0007). */
  readonly mayLoseFrames?: boolean;
  /** Fetch every segment and part that is listed; default true. */
  readonly fetchMedia?: boolean;
  readonly signal?: AbortSignal;
}

export interface RuleReport {
  /** Each finding once, with the playlist it is of. */
  readonly findings: string[];
  readonly playlists: number;
  readonly updates: number;
  readonly parts: number;
  readonly segments: number;
}

/** PDT is written in whole ms of a clock that is slewed by up to 0.5%. */
const CLOCK_TOLERANCE = 0.02;
const EPSILON = 1e-6;

/** Follows all renditions of a multivariant playlist at once. */
export async function checkHls(url: string, options: RuleOptions): Promise<RuleReport> {
  const findings = new Set<string>();
  const totals = { updates: 0, parts: 0, segments: 0 };
  const response = await fetch(url, { signal: options.signal ?? null });
  if (response.status !== 200) return { findings: [`${url} answers ${response.status}`], playlists: 0, ...totals };
  const uris = readMultivariant(await response.text(), (finding) => findings.add(`index: ${finding}`));
  const followers = uris.map((uri) => new Follower(new URL(uri, url), uris.length - 1, options, findings));
  await Promise.all(followers.map((follower) => follower.run()));
  for (const { updates, parts, segments } of followers) {
    totals.updates += updates;
    totals.parts += parts;
    totals.segments += segments;
  }
  return { findings: [...findings], playlists: uris.length, ...totals };
}

/** One media playlist over time. */
class Follower {
  updates = 0;
  parts = 0;
  segments = 0;
  readonly #url: URL;
  readonly #others: number;
  readonly #options: RuleOptions;
  readonly #findings: Set<string>;
  readonly #fetched = new Map<string, Promise<void>>();
  readonly #durations = new Map<number, number>();
  #before: MediaPlaylist | undefined;

  constructor(url: URL, others: number, options: RuleOptions, findings: Set<string>) {
    this.#url = url;
    this.#others = others;
    this.#options = options;
    this.#findings = findings;
  }

  async run(): Promise<void> {
    const end = Date.now() + this.#options.forMs;
    let query: Record<string, string> = {};
    while (Date.now() < end) {
      const playlist = await this.#load(query);
      if (!playlist) return;
      this.updates += 1;
      this.#checkTags(playlist.tags);
      this.#checkSegments(playlist);
      if (this.#before) this.#checkProgress(this.#before, playlist, query);
      this.#before = playlist;
      if (playlist.ended) break;
      const { number, part } = playlist.next;
      query = { _HLS_msn: String(number), _HLS_part: String(part) };
    }
    await this.#checkDelta();
    await Promise.all(this.#fetched.values());
  }

  async #load(query: Record<string, string>): Promise<MediaPlaylist | undefined> {
    const url = new URL(this.#url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await fetch(url, { signal: this.#options.signal ?? null });
    const text = await response.text();
    if (response.status !== 200) {
      this.#say(`${url.search} answers ${response.status} ${text.slice(0, 120)}`);
      return undefined;
    }
    const cache = response.headers.get('cache-control') ?? '';
    if (query._HLS_msn && !/max-age=\d+/.test(cache)) this.#say(`a blocking answer says "cache-control: ${cache}"`);
    return readMediaPlaylist(text, (finding) => this.#say(finding));
  }

  #checkTags(tags: PlaylistTags): void {
    const { targetDuration, partTarget, partHoldBack, holdBack, canSkipUntil, canBlockReload } = tags;
    if (!canBlockReload) this.#say('no CAN-BLOCK-RELOAD');
    if (partTarget === undefined) this.#say('no PART-TARGET');
    else if (!(partHoldBack! >= 3 * partTarget - EPSILON))
      this.#say(`PART-HOLD-BACK ${partHoldBack} is below 3 x PART-TARGET`);
    if (!(holdBack! >= 3 * targetDuration)) this.#say(`HOLD-BACK ${holdBack} is below 3 x TARGETDURATION`);
    if (!(canSkipUntil! >= 6 * targetDuration)) this.#say(`CAN-SKIP-UNTIL ${canSkipUntil} is below 6 x TARGETDURATION`);
  }

  #checkSegments(playlist: MediaPlaylist): void {
    const { tags, segments } = playlist;
    const least = (this.#options.leastPart ?? 0.85) * (tags.partTarget ?? 0);
    let fromEnd = 0;
    for (const segment of segments.toReversed()) {
      const { number, duration, parts } = segment;
      const inParts = parts.reduce((sum, part) => sum + part.duration, 0);
      if (duration !== undefined) {
        if (Math.round(duration) > tags.targetDuration)
          this.#say(`segment ${number}: EXTINF ${duration} > TARGETDURATION`);
        if (fromEnd < 3 * tags.targetDuration - 0.001 && parts.length === 0)
          this.#say(`segment ${number} lists no parts`);
        if (parts.length > 0 && Math.abs(inParts - duration) > 0.001) {
          this.#say(`segment ${number}: its parts last ${inParts}, EXTINF says ${duration}`);
        }
      }
      for (const [index, part] of parts.entries()) {
        if (part.duration > tags.partTarget! + EPSILON)
          this.#say(`part ${number}.${index} lasts ${part.duration} > PART-TARGET`);
        const isLast = index === parts.length - 1;
        if (!isLast && part.duration < least - EPSILON)
          this.#say(`part ${number}.${index} lasts ${part.duration} < ${least}`);
        if (!part.gap) this.#fetch(part.uri, 'parts');
      }
      if (segment.uri !== undefined && !segment.gap) this.#fetch(segment.uri, 'segments');
      if (segment.map === undefined) this.#say(`segment ${number} has no EXT-X-MAP`);
      else this.#fetch(segment.map, undefined);
      fromEnd += duration ?? inParts;
    }
    this.#checkClock(playlist);
    if (playlist.ended) return;
    if (playlist.hint === undefined) this.#say('no EXT-X-PRELOAD-HINT');
    // Of one that has stopped, and is not offered for now, there is a report too.
    if (playlist.reports.length < this.#others)
      this.#say(`${playlist.reports.length} rendition reports of ${this.#others}`);
    for (const report of playlist.reports) {
      if (report.msn === undefined || report.part === undefined)
        this.#say(`the report of ${report.uri} lacks LAST-MSN or LAST-PART`);
    }
  }

  #checkClock({ segments }: MediaPlaylist): void {
    for (const [index, segment] of segments.entries()) {
      const before = segments[index - 1];
      if (segment.programDateTime === undefined) this.#say(`segment ${segment.number} has no EXT-X-PROGRAM-DATE-TIME`);
      if (
        before?.programDateTime === undefined ||
        before.duration === undefined ||
        segment.programDateTime === undefined
      )
        continue;
      const drift = (segment.programDateTime - before.programDateTime) / 1000 - before.duration;
      const limit = 0.005 * before.duration + CLOCK_TOLERANCE;
      if (segment.programDateTime < before.programDateTime)
        this.#say(`PROGRAM-DATE-TIME goes back at segment ${segment.number}`);
      else if (!segment.discontinuity && Math.abs(drift) > limit && !(drift > 0 && this.#options.mayLoseFrames)) {
        this.#say(`PROGRAM-DATE-TIME of segment ${segment.number} is ${drift.toFixed(3)} s off its predecessor's end`);
      }
    }
  }

  #checkProgress(before: MediaPlaylist, now: MediaPlaylist, query: Record<string, string>): void {
    const same = ['targetDuration', 'partTarget', 'partHoldBack'] as const;
    for (const key of same)
      if (before.tags[key] !== now.tags[key]) this.#say(`${key} changed from ${before.tags[key]} to ${now.tags[key]}`);
    if (now.tags.mediaSequence < before.tags.mediaSequence) this.#say('EXT-X-MEDIA-SEQUENCE went back');
    if (now.tags.discontinuitySequence < before.tags.discontinuitySequence)
      this.#say('EXT-X-DISCONTINUITY-SEQUENCE went back');
    const asked = { number: Number(query._HLS_msn), part: Number(query._HLS_part) };
    const { number, part } = now.next;
    if (!now.ended && (number < asked.number || (number === asked.number && part <= asked.part))) {
      this.#say(`asked for ${asked.number}.${asked.part}, answered with a playlist that ends before it`);
    }
    const listed = new Map(now.segments.map((segment) => [segment.number, segment]));
    for (const old of before.segments) {
      const still = listed.get(old.number);
      if (!still) continue;
      if (old.uri !== undefined && still.uri !== old.uri) this.#say(`segment ${old.number} changed its name`);
      old.parts.forEach((part, index) => {
        const after = still.parts[index];
        if (after && after.uri !== part.uri) this.#say(`part ${old.number}.${index} changed its name`);
      });
      const known = this.#durations.get(old.number);
      if (still.duration !== undefined && known !== undefined && known !== still.duration)
        this.#say(`segment ${old.number} changed its length`);
      if (still.duration !== undefined) this.#durations.set(old.number, still.duration);
    }
    if (before.hint !== undefined && !before.ended && now.tags.mediaSequence >= before.tags.mediaSequence) {
      const newest = now.segments.flatMap(({ parts }) => parts).at(-1);
      const came = now.segments.some(({ parts }) => parts.some(({ uri }) => uri === before.hint));
      if (newest && !came && now.hint !== before.hint) this.#say(`the hinted ${before.hint} never came`);
    }
  }

  /** A delta update plus what is known must be the whole playlist. */
  async #checkDelta(): Promise<void> {
    const whole = this.#before;
    if (!whole || whole.ended) return;
    const delta = await this.#load({ _HLS_skip: 'YES' });
    if (!delta) return;
    const first = delta.tags.mediaSequence + delta.skipped;
    const boundary = delta.segments.reduce(
      (sum, { duration, parts }) => sum + (duration ?? parts.reduce((s, p) => s + p.duration, 0)),
      0,
    );
    if (delta.skipped > 0 && boundary < delta.tags.canSkipUntil!)
      this.#say(`a delta update keeps only ${boundary} s of CAN-SKIP-UNTIL`);
    if (delta.segments[0] && delta.segments[0].number !== first)
      this.#say('a delta update numbers its segments wrongly');
  }

  #fetch(uri: string, count: 'parts' | 'segments' | undefined): void {
    if (this.#options.fetchMedia === false || this.#fetched.has(uri)) return;
    if (count) this[count] += 1;
    const load = async (): Promise<void> => {
      const response = await fetch(new URL(uri, this.#url), { signal: this.#options.signal ?? null });
      const { byteLength } = await response.arrayBuffer();
      if (response.status !== 200 || byteLength === 0)
        this.#say(`${uri} answers ${response.status} with ${byteLength} bytes`);
      if (!/immutable/.test(response.headers.get('cache-control') ?? '')) this.#say(`${uri} is not immutable`);
    };
    this.#fetched.set(uri, load());
  }

  #say(finding: string): void {
    this.#findings.add(`${this.#url.pathname}: ${finding}`);
  }
}
