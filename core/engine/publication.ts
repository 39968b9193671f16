/** One accepted publisher of a camera: its ports, its wall clock, and its end. */
import { asEddyError, EddyError } from '../errors/index.ts';
import {
  ticksToMs,
  WallClock,
  type AccessUnit,
  type CameraId,
  type EndCause,
  type PublicationId,
} from '../model/index.ts';
import type {
  Clock,
  Logger,
  OutputPad,
  Publication as PluginPublication,
  PublishRequest,
  SyncClock,
} from '../plugin/index.ts';
import type { Measure } from './media-types.ts';
import { OutputPort, type OutTrack } from './ports.ts';

/** What a publication is made of. */
export interface PublicationOptions {
  readonly id: PublicationId;
  readonly cameraId: CameraId;
  readonly stage: string;
  readonly subject: string;
  readonly request: PublishRequest;
  readonly outputs: Readonly<Record<string, OutputPad>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a publication tells its camera. */
export interface PublicationHooks {
  outputChanged(port: OutputPort): void;
  ended(publication: Publication, cause: EndCause): void;
}

/** See the file's head. */
export class Publication {
  readonly id: PublicationId;
  readonly cameraId: CameraId;
  readonly stage: string;
  readonly subject: string;
  readonly peer: string;
  readonly priority: number;
  readonly since: number;
  readonly outputs = new Map<string, OutputPort>();
  readonly log: Logger;
  readonly #abort = new AbortController();
  readonly #hooks: PublicationHooks;
  readonly #wall = new WallClock();
  #ended = false;

  constructor(options: PublicationOptions, hooks: PublicationHooks) {
    this.id = options.id;
    this.cameraId = options.cameraId;
    this.stage = options.stage;
    this.subject = options.subject;
    this.peer = `${options.request.peer.protocol}:${options.request.peer.address}`;
    this.priority = options.request.priority ?? 0;
    this.since = options.clock.now();
    this.log = options.log;
    this.#hooks = hooks;
    const syncClock = this.#syncClock(options.request);
    for (const [name, pad] of Object.entries(options.outputs)) {
      const port: OutputPort = new OutputPort(
        pad,
        options.clock,
        {
          changed: () => this.#hooks.outputChanged(port),
          failed: (error) => {
            this.log.error({ err: error, publication: this.id }, 'a listener of the publication threw');
            this.end('failed', asEddyError(error, 'FLOW_FAILED'));
          },
          ...(pad.type === 'frames' && options.request.startAt === undefined ? { observe: this.#observe } : {}),
        },
        syncClock,
      );
      this.outputs.set(name, port);
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What the source is given. */
  face(): PluginPublication<never> {
    return {
      id: this.id,
      cameraId: this.cameraId,
      out: Object.fromEntries(this.outputs) as never,
      signal: this.signal,
      log: this.log,
      end: (cause) => this.end(cause ?? 'publisher-ended'),
    };
  }

  /** The publisher has gone, or must go: its tracks end. Safe to repeat. */
  end(cause: EndCause, reason?: EddyError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hooks.ended(this, cause);
    this.#abort.abort(reason ?? new EddyError('CAMERA_AWAY', 'the publication has ended'));
  }

  /** Ends the tracks; the camera calls it once the flow knows that they end together. */
  closePorts(cause: EndCause): void {
    for (const port of this.outputs.values()) port.close(cause);
  }

  #syncClock(request: PublishRequest): SyncClock {
    const { startAt } = request;
    const wall = this.#wall;
    if (startAt === undefined) {
      return {
        toWall: (ticks, timescale) => wall.toWall(ticksToMs(ticks, timescale)),
        get settled() {
          return wall.settled;
        },
      };
    }
    // A replay says itself what time it shows: media time begins at startAt, however fast it is sent.
    return { toWall: (ticks, timescale) => startAt + ticksToMs(ticks, timescale) };
  }

  readonly #observe = (track: OutTrack, weight: Measure, item: unknown): void => {
    if (this.#wall.observe(weight.at, (item as AccessUnit).arrivedAt, track.id) === 'steady') return;
    this.log.warn({ publication: this.id }, "the publisher's clock jumped by more than half a second");
    for (const port of this.outputs.values()) for (const track of port.tracks) track.discontinuity('clock-jumped');
  };
}
