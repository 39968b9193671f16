/**
 * A camera as files, for a server that knows nothing of media: its init segments and whole segments, then the playlists (or the
 * manifest) that name them, and at its end those of all that was. Only while somebody wants them.
 */
import type { ChunkCaps, FlowOutput, PublishedObject, Segment, SyncClock, TrackId, TrackWriter } from 'eddy/plugin';
import { fileName, folderOf } from './file-names.ts';
import type { LiveCamera } from './live-camera.ts';
import type { LiveSegment } from './live-segment.ts';
import type { LiveTrack } from './live-track.ts';
import type { PastRange } from './past-media.ts';
import { Recording } from './recording.ts';

/** A playlist or manifest; names are below the camera's folder. */
export interface Listing {
  readonly name: string;
  readonly text: string;
  /** What it names. */
  readonly needs: readonly string[];
}

/** A format: HLS or DASH. */
export interface ListingFormat {
  readonly contentType: string;
  /** Of what can be played now; what is named comes first. Empty while there is nothing. */
  live(camera: LiveCamera): readonly Listing[];
  /** Of a stretch that is complete; `name` is what the files are called, without what comes after the dot. */
  recording(past: PastRange, name: string): readonly Listing[];
}

/** Options of an {@link ObjectsFeed}. */
export interface ObjectsFeedOptions {
  readonly format: ListingFormat;
  /** What the track of objects is called: unique where several publishers feed one reader. */
  readonly id: string;
  /** The longest recording that is told of as a whole, ms. */
  readonly recording: number;
  monotonic(): number;
}

/** A media name never means two contents. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** A recording only changes when its media is deleted, s. */
const RECORDING_AGE = 3600;
/** A track that brings nothing is not waited for any longer once another has so many segments. */
const PATIENCE = 3;
/** A live listing that says the same as before is written again after so many ms, so that it does not look forgotten. */
const REPEAT = 60_000;

/** Files have no media time. */
const TIMELESS: SyncClock = { toWall: () => undefined };

/** See the file's head. */
export class ObjectsFeed {
  readonly #camera: LiveCamera;
  readonly #options: ObjectsFeedOptions;
  readonly #recording: Recording;
  #writer: TrackWriter<'objects'> | undefined;
  /** The newest segment that was told of, by track. */
  readonly #told = new Map<TrackId, number>();
  #listable = false;
  /** Names of init segments that were told of. */
  readonly #inits = new Set<string>();
  readonly #written = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(camera: LiveCamera, options: ObjectsFeedOptions) {
    this.#camera = camera;
    this.#options = options;
    this.#recording = new Recording(camera.cameraId, options.recording);
  }

  /** Writes for as long as the output is wanted. Returns the undoing. */
  feed(out: FlowOutput<'objects'>): () => void {
    const follow = (wanted: boolean): void => {
      if (wanted && !this.#writer) this.#begin(out);
      if (!wanted) this.#end();
    };
    const undo = [out.onWanted(follow), this.#camera.onChange(() => this.#look()), () => this.#end()];
    follow(out.wanted);
    return () => undo.forEach((each) => each());
  }

  /** The camera's publication is over: its playlists have ended, and what there was of it is told as a whole. */
  finish(): void {
    this.#look();
    this.#list();
    this.#record(this.#recording.take());
  }

  /** Tells of what is complete by now, and then of no more. */
  stop(): void {
    this.#look();
    this.#end();
  }

  #begin(out: FlowOutput<'objects'>): void {
    this.#writer = out.addTrack(this.#options.id, { kind: 'objects' }, { clock: TIMELESS });
    // Whoever begins to read later than others asks for a place to begin, which here is all that is listed.
    this.#writer.onKeyFrameRequest(() => this.#again());
    this.#again();
  }

  #end(): void {
    this.#writer?.end();
    this.#writer = undefined;
  }

  #again(): void {
    this.#told.clear();
    this.#inits.clear();
    this.#written.clear();
    this.#look();
  }

  #look(): void {
    if (!this.#writer) return;
    let fresh = false;
    for (const track of this.#camera.tracks.values()) fresh = this.#tell(track) || fresh;
    const before = this.#listable;
    this.#listable ||= this.#isListable();
    if (this.#listable && (fresh || !before)) this.#list();
    this.#record(this.#recording.takeFull());
  }

  /** Players take no track that comes after the first listing, or not readily. */
  #isListable(): boolean {
    const { ready, tracks } = this.#camera;
    return ready || [...tracks.values()].some(({ segments }) => segments.length > PATIENCE);
  }

  /** Tells of segments that are complete by now; true where there were any. */
  #tell(track: LiveTrack): boolean {
    const told = this.#told.get(track.id) ?? -Infinity;
    const { segments } = track;
    let fresh = false;
    for (let index = segments.findLastIndex(({ number }) => number <= told) + 1; index < segments.length; index += 1) {
      const segment = segments[index]!;
      if (!segment.complete) break;
      this.#told.set(track.id, segment.number);
      fresh = true;
      if (segment.gap) continue;
      this.#media(track, segment);
      this.#recording.add(finished(this.#camera.cameraId, track.id, segment), segment.init.caps);
    }
    return fresh;
  }

  #media(track: LiveTrack, segment: LiveSegment): void {
    const folder = folderOf(track.id);
    const { init } = segment;
    const common = { contentType: `${track.kind}/mp4`, cacheControl: IMMUTABLE, rewritten: false, needs: [] };
    const initName = `${folder}/${init.name}`;
    if (!this.#inits.has(initName)) {
      this.#inits.add(initName);
      this.#write({ ...common, name: initName, data: init.caps.init });
    }
    this.#write({
      ...common,
      name: `${folder}/${fileName(segment)}`,
      data: segment.released ? undefined : Buffer.concat(segment.data()),
      media: { track: track.id, name: segment.name },
    });
  }

  #list(): void {
    const now = this.#options.monotonic();
    const target = Math.min(...[...this.#camera.tracks.values()].map(({ caps }) => caps.segmentTarget));
    // Nobody shall see it later than the next one is due.
    const age = Math.max(1, Math.floor(target / 2));
    for (const listing of this.#options.format.live(this.#camera)) {
      const before = this.#written.get(listing.name);
      if (before?.text === listing.text && now - before.at < REPEAT) continue;
      this.#written.set(listing.name, { text: listing.text, at: now });
      this.#writeListing(listing, true, age);
    }
  }

  #record(past: PastRange | undefined): void {
    if (!past) return;
    const name = String(Math.round(past.range.start));
    for (const listing of this.#options.format.recording(past, name)) this.#writeListing(listing, false, RECORDING_AGE);
  }

  #writeListing({ name, text, needs }: Listing, rewritten: boolean, age: number): void {
    const { contentType } = this.#options.format;
    const cacheControl = `public, max-age=${age}`;
    const below = needs.map((need) => `${this.#camera.cameraId}/${need}`);
    this.#write({ name, contentType, cacheControl, rewritten, needs: below, data: Buffer.from(text) });
  }

  #write(object: PublishedObject): void {
    this.#writer?.write({ ...object, name: `${this.#camera.cameraId}/${object.name}` });
  }
}

/** A complete segment as a timeline would tell of it. */
function finished(cameraId: string, track: TrackId, segment: LiveSegment): Segment {
  const { number, startTs, writer, name, baseTime, bytes, discontinuity, independent, init, ticks } = segment;
  const { timescale, codecString }: ChunkCaps = init.caps;
  return {
    id: `${cameraId}/${track}/${name}`,
    cameraId,
    track,
    number,
    startTs,
    duration: segment.duration * 1000,
    writer,
    url: `${cameraId}/${track}/${name}`,
    initUrl: `${cameraId}/${track}/${init.name}`,
    bytes,
    timescale,
    baseTime,
    durationTicks: ticks,
    discontinuity,
    independent,
    codecString,
  };
}
