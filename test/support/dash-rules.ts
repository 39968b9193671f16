/**
 * Checks manifests against ISO 23009-1 and what players rely on, and follows a live one: what once was told stays, and every
 * segment is there when it is said to be, with the media time that it is said to have. Findings in plain words; none is clean.
 */
import { readChunks } from 'eddy/media';
import { timescaleOf } from './hls-media.ts';
import { all, type ReadMpd, readMpd, type ReadPeriod, type ReadTrack, secondsOf } from './dash-text.ts';

/** How far a segment may begin from where its number says, as a share of its duration. */
const TOLERANCE = 0.25;
const EPSILON = 1e-3;

/** What is wrong with one manifest by itself. */
export function checkMpd(mpd: ReadMpd): string[] {
  const findings: string[] = [];
  const say = (finding: string): unknown => findings.push(finding);
  const { attributes } = mpd.root;
  const longest = secondsOf(attributes.maxSegmentDuration);
  if (attributes.xmlns !== 'urn:mpeg:dash:schema:mpd:2011') say('not the namespace of MPDs');
  if (!attributes.profiles?.includes('urn:mpeg:dash:profile:isoff-live:2011')) say('not the live profile');
  if (secondsOf(attributes.minBufferTime) === undefined) say('no minBufferTime');
  if (longest === undefined) say('no maxSegmentDuration');
  if (mpd.dynamic) {
    for (const name of ['availabilityStartTime', 'publishTime']) {
      if (Number.isNaN(Date.parse(attributes[name] ?? ''))) say(`no ${name}`);
    }
    if (!attributes.minimumUpdatePeriod && !attributes.mediaPresentationDuration)
      say('neither an end nor another look');
    if (all(mpd.root, 'UTCTiming').length === 0) say('no UTCTiming');
    if (secondsOf(attributes.timeShiftBufferDepth) === undefined) say('no timeShiftBufferDepth');
  } else if (secondsOf(attributes.mediaPresentationDuration) === undefined) say('static without a duration');
  if (mpd.periods.length === 0) say('no Period');
  mpd.periods.forEach((period, index) => checkPeriod(period, mpd.periods[index + 1], longest ?? Infinity, say));
  return findings;
}

function checkPeriod(
  period: ReadPeriod,
  next: ReadPeriod | undefined,
  longest: number,
  say: (finding: string) => unknown,
): void {
  const where = `Period ${period.id}`;
  if (period.id === '') say('a Period without an id');
  if (!(period.start >= 0)) say(`${where}: no start`);
  if (next && !(next.start > period.start)) say(`${where}: the next one does not begin after it`);
  if (next && period.start + (period.duration ?? 0) > next.start + EPSILON) say(`${where}: reaches into the next one`);
  if (new Set(period.tracks.map(({ id }) => id)).size !== period.tracks.length) say(`${where}: an id twice`);
  if (period.tracks.length === 0) say(`${where}: no Representation`);
  for (const track of period.tracks) checkTrack(track, period, longest, say);
}

function checkTrack(track: ReadTrack, period: ReadPeriod, longest: number, say: (finding: string) => unknown): void {
  const where = `${track.id} of Period ${period.id}`;
  const { attributes, timescale, segments } = track;
  const needed = ['mimeType', 'codecs', 'bandwidth', 'contentType'];
  if (attributes.contentType === 'video') needed.push('width', 'height');
  for (const name of needed) if (!attributes[name]) say(`${where}: no ${name}`);
  if (!(timescale > 0 && Number.isInteger(timescale))) say(`${where}: timescale ${timescale}`);
  if (!Number.isSafeInteger(track.offset)) say(`${where}: presentationTimeOffset ${track.offset}`);
  if (track.initialization === '') say(`${where}: no initialization`);
  if (!segments) {
    if (!track.media.includes('$Number$')) say(`${where}: no $Number$ in ${track.media}`);
    if (!(track.duration! > 0) || !Number.isSafeInteger(track.duration)) say(`${where}: duration ${track.duration}`);
    if (track.startNumber === undefined) say(`${where}: no startNumber`);
    if (track.early * timescale >= (track.duration ?? 0)) say(`${where}: available before it begins`);
    return;
  }
  if (track.media.includes('$Number$') && track.startNumber === undefined) say(`${where}: no startNumber`);
  if (!/\$(?:Time|Number)\$/.test(track.media)) say(`${where}: neither $Time$ nor $Number$ in ${track.media}`);
  if (segments.length === 0) say(`${where}: an empty SegmentTimeline`);
  let end = track.offset;
  for (const { time, duration } of segments) {
    // A tick is what rounding between timescales takes.
    if (time < end - 1) say(`${where}: S@t ${time} lies before ${end}`);
    if (duration / timescale > longest + EPSILON) say(`${where}: S@d ${duration} is longer than maxSegmentDuration`);
    end = time + duration;
  }
  if (period.duration !== undefined && (end - track.offset) / timescale > period.duration + 0.05) {
    say(`${where}: its segments reach ${(end - track.offset) / timescale - period.duration} s past its Period`);
  }
}

/** What an update may not change. */
export function checkUpdate(before: ReadMpd, now: ReadMpd): string[] {
  const findings: string[] = [];
  if (Date.parse(now.root.attributes.publishTime ?? '') < Date.parse(before.root.attributes.publishTime ?? ''))
    findings.push('publishTime goes back');
  if (before.root.attributes.availabilityStartTime !== now.root.attributes.availabilityStartTime)
    findings.push('availabilityStartTime changes');
  const known = new Map(before.periods.map((period) => [period.id, period]));
  let fresh = false;
  for (const period of now.periods) {
    const old = known.get(period.id);
    if (!old) fresh = true;
    else if (fresh) findings.push(`Period ${period.id} comes after a new one`);
    if (!old) continue;
    if (old.start !== period.start) findings.push(`Period ${period.id} begins at another time`);
    if (old.tracks.map(({ id }) => id).join() !== period.tracks.map(({ id }) => id).join())
      findings.push(`Period ${period.id} has other tracks`);
    for (const track of period.tracks) {
      const was = old.tracks.find(({ id }) => id === track.id);
      for (const key of ['timescale', 'offset', 'media', 'initialization', 'startNumber', 'duration'] as const) {
        // Where segments are listed it is the number of the first that still is.
        if (key === 'startNumber' && track.segments) continue;
        if (was && was[key] !== track[key]) findings.push(`${key} of ${track.id} in Period ${period.id} changes`);
      }
      const durations = new Map(was?.segments?.map(({ time, duration }) => [time, duration]));
      for (const { time, duration } of track.segments ?? []) {
        if ((durations.get(time) ?? duration) !== duration) findings.push(`S@t ${time} of ${track.id} changes`);
      }
    }
  }
  return findings;
}

/** What following a live manifest found. */
export interface DashReport {
  readonly findings: readonly string[];
  readonly updates: number;
  readonly segments: number;
}

/** Follows a live manifest and fetches every segment as soon as it says that it is there. */
export async function checkDash(url: string, options: { readonly forMs: number }): Promise<DashReport> {
  const findings = new Set<string>();
  const fetched = new Map<string, Promise<void>>();
  const end = Date.now() + options.forMs;
  let before: ReadMpd | undefined;
  let updates = 0;
  while (Date.now() < end) {
    const response = await fetch(url);
    if (response.status !== 200) return { findings: [`${url} answers ${response.status}`], updates, segments: 0 };
    const now = readMpd(await response.text());
    updates += 1;
    for (const finding of [...checkMpd(now), ...(before ? checkUpdate(before, now) : [])]) findings.add(finding);
    before = now;
    const again = Date.now() + 1000 * (secondsOf(now.root.attributes.minimumUpdatePeriod) ?? 1);
    do {
      fetchDue(now, url, fetched, findings);
      await new Promise((resolve) => setTimeout(resolve, 100));
    } while (Date.now() < Math.min(again, end));
  }
  await Promise.all(fetched.values());
  return { findings: [...findings], updates, segments: fetched.size };
}

/** Asks for what is new of the last two Periods. */
function fetchDue(mpd: ReadMpd, url: string, fetched: Map<string, Promise<void>>, findings: Set<string>): void {
  const seconds = Date.now() / 1000;
  for (const [index, period] of mpd.periods.entries()) {
    const end = mpd.periods[index + 1]?.start ?? period.start + (period.duration ?? Infinity);
    for (const track of period.tracks) {
      for (const { name, time, duration } of dueOf(track, period, Math.min(seconds, end))) {
        if (fetched.has(name)) continue;
        fetched.set(name, fetchSegment(new URL(name, url), { track, time, duration }, findings));
      }
    }
  }
}

/** The newest segments that may be asked for; `time` and `duration` in ticks of the template. */
function dueOf(track: ReadTrack, period: ReadPeriod, now: number): { name: string; time: number; duration: number }[] {
  const { segments, duration = 1, timescale, offset, startNumber = 0 } = track;
  if (segments) {
    return segments.slice(-3).map((one) => ({ name: track.media.replace('$Time$', String(one.time)), ...one }));
  }
  const newest = Math.floor(((now - period.start + track.early) * timescale) / duration - 1 + 1e-9);
  return newest < 0
    ? []
    : [
        {
          name: track.media.replace('$Number$', String(startNumber + newest)),
          time: offset + newest * duration,
          duration,
        },
      ];
}

async function fetchSegment(
  url: URL,
  told: { readonly track: ReadTrack; readonly time: number; readonly duration: number },
  findings: Set<string>,
): Promise<void> {
  const { track, time, duration } = told;
  const response = await fetch(url);
  if (response.status !== 200) return void findings.add(`${url.pathname} answers ${response.status}`);
  const samples = readChunks(new Uint8Array(await response.arrayBuffer())).flatMap((chunk) => chunk.samples);
  if (samples.length === 0) return void findings.add(`${url.pathname} is empty`);
  // The template may count finer than the media does.
  const init = await fetch(new URL(track.initialization, url.href.replace(/[^/]+\/[^/]+$/, '')));
  const scale = track.timescale / timescaleOf(new Uint8Array(await init.arrayBuffer()));
  const off = samples[0]!.dts * scale - time;
  const limit = track.segments ? 0 : TOLERANCE * duration;
  if (Math.abs(off) > limit) findings.add(`${url.pathname} begins ${off / track.timescale} s from where it should`);
}
