/** The smallest context that `ingest.rtmp` runs in: scripted cameras, recorded writes, counted metrics. */
import { EventEmitter } from 'node:events';
import {
  parseFields,
  type AccessUnit,
  type AddTrackOptions,
  type CameraId,
  type Context,
  type Publication,
  type PublicationId,
  type PublishRequest,
  type Report,
  type TrackCaps,
  type TrackWriter,
} from 'eddy/plugin';
import { create, type RtmpIngest } from '../../../plugins/ingest/rtmp/ingest.ts';
import { manifest } from '../../../plugins/ingest/rtmp/plugin.ts';

export interface RecordedTrack {
  readonly pad: string;
  readonly id: string;
  readonly caps: TrackCaps;
  readonly replaces: RecordedTrack | undefined;
  readonly items: AccessUnit[];
  readonly discontinuities: { cause: string; at: number }[];
}

export class FakePublication {
  readonly tracks: RecordedTrack[] = [];
  readonly abort = new AbortController();
  ended: string | undefined;
  /** While true, writers say that they are full. */
  full = false;
  readonly #room = new EventEmitter();
  readonly keep: boolean;
  items = 0;
  bytes = 0;

  constructor(keep: boolean) {
    this.keep = keep;
  }

  makeRoom(): void {
    this.full = false;
    this.#room.emit('room');
  }

  track(pad: string): RecordedTrack {
    const track = this.tracks.findLast((one) => one.pad === pad);
    if (!track) throw new Error(`no track on ${pad}`);
    return track;
  }

  output(pad: string, wanted: boolean) {
    return {
      wanted,
      onWanted: () => () => undefined,
      addTrack: (id: string, caps: TrackCaps, options: AddTrackOptions = {}): TrackWriter<'frames'> => {
        const replaces = options.replaces as unknown as { record: RecordedTrack } | undefined;
        const record: RecordedTrack = { pad, id, caps, replaces: replaces?.record, items: [], discontinuities: [] };
        this.tracks.push(record);
        return {
          id,
          caps,
          record,
          write: (item: AccessUnit) => {
            this.items++;
            this.bytes += item.data.length;
            if (this.keep) record.items.push(item);
            return !this.full;
          },
          ready: () => (this.full ? new Promise<void>((settle) => this.#room.once('room', settle)) : Promise.resolve()),
          deliver: () => Promise.resolve(),
          discontinuity: (cause: string) => record.discontinuities.push({ cause, at: record.items.length }),
          gap: () => undefined,
          end: () => undefined,
          onKeyFrameRequest: () => () => undefined,
        } as unknown as TrackWriter<'frames'>;
      },
    };
  }
}

export interface FakeOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  /** Decides on a publisher: throws to refuse. */
  readonly authorize?: (request: PublishRequest) => void | Promise<void>;
  /** False: items are counted and let go. */
  readonly keep?: boolean;
  readonly dataWanted?: boolean;
  readonly baseDir?: string;
}

export class FakeEngine {
  readonly requests: PublishRequest[] = [];
  readonly publications: FakePublication[] = [];
  readonly byCamera = new Map<string, FakePublication>();
  readonly reports: Report[] = [];
  readonly counters = new Map<string, number>();
  readonly errors: { fields: Record<string, unknown>; message: string }[] = [];
  readonly ingest: RtmpIngest;

  constructor(options: FakeOptions = {}) {
    const parsed = parseFields(manifest.config, { listen: '127.0.0.1:0', ...options.config });
    if ('error' in parsed) throw new Error(parsed.error);
    const silent = () => undefined;
    const log = {
      debug: silent,
      info: silent,
      warn: silent,
      error: (fields: Record<string, unknown>, message: string) => this.errors.push({ fields, message }),
    };
    const add = (name: string, value: number, labels: object = {}): void => {
      const key = [name, ...Object.values(labels)].join(' ');
      this.counters.set(key, (this.counters.get(key) ?? 0) + value);
    };
    const publish = async (request: PublishRequest): Promise<Publication<typeof manifest>> => {
      this.requests.push(request);
      await options.authorize?.(request);
      const publication = new FakePublication(options.keep ?? true);
      this.publications.push(publication);
      this.byCamera.set(request.cameraId, publication);
      return {
        id: `p${this.publications.length}` as PublicationId,
        cameraId: request.cameraId as CameraId,
        out: {
          video: publication.output('video', true),
          audio: publication.output('audio', true),
          data: publication.output('data', options.dataWanted ?? false),
        },
        signal: publication.abort.signal,
        log,
        end: (cause = 'publisher-ended') => (publication.ended ??= cause),
      } as unknown as Publication<typeof manifest>;
    };
    const context = {
      name: 'rtmp',
      config: parsed.value,
      cameras: { publish },
      log,
      baseDir: options.baseDir ?? '.',
      report: (report: Report) => this.reports.push(report),
      clock: {
        now: () => Date.now(),
        monotonic: () => performance.now(),
        after: (ms: number, callback: () => void) => {
          const timer = setTimeout(callback, ms);
          return () => clearTimeout(timer);
        },
        every: (ms: number, callback: () => void) => {
          const timer = setInterval(callback, ms);
          return () => clearInterval(timer);
        },
      },
      metrics: {
        counter: (name: string) => ({
          add: (value = 1, labels?: object) => add(name, value, labels),
          follow: () => undefined,
          remove: () => undefined,
        }),
        gauge: () => ({ set: silent, remove: silent }),
      },
    };
    this.ingest = create(context as unknown as Context<typeof manifest>);
  }

  static async start(options?: FakeOptions): Promise<FakeEngine> {
    const engine = new FakeEngine(options);
    await engine.ingest.start!();
    return engine;
  }

  get port(): number {
    return this.ingest.addresses[0]!.port;
  }

  /** How many connections ended for this reason. */
  ended(reason: string): number {
    return this.counters.get(`rtmp_connections_ended_total ${reason}`) ?? 0;
  }

  dropped(reason: string): number {
    return this.counters.get(`rtmp_messages_dropped_total ${reason}`) ?? 0;
  }

  /** Lets go of its records of what has ended, so that what is still held is the ingest's. */
  forgetEnded(): void {
    this.requests.length = 0;
    this.reports.length = 0;
    this.byCamera.clear();
    const left = this.publications.filter(({ ended }) => ended === undefined);
    this.publications.splice(0, this.publications.length, ...left);
  }

  async stop(): Promise<void> {
    await this.ingest.stop!();
  }
}

/** Waits until a condition holds; fails with `what` after `ms`. */
export async function eventually(condition: () => boolean, what: string, ms = 5000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((settle) => setTimeout(settle, 5));
  }
}
