/** One publication of the test pattern: hosts come and go, the tracks stay. */
import {
  Backoff,
  ticksToMs,
  type Context,
  type HostFrame,
  type MediaHost,
  type Publication,
  type TrackCaps,
  type TrackWriter,
} from 'eddy/plugin';
import { patternLaunch, timeZero } from './launch.ts';
import type { manifest } from './plugin.ts';

/** A host that nobody wants is kept so long, in ms: viewers who come and go do not restart it each time. */
const UNWANTED_MS = 3000;

type Output = 'video' | 'audio';

interface Track {
  writer: TrackWriter<'frames'>;
  /** The host that wrote last: another one's first frame begins a new timeline. */
  host: MediaHost;
}

/** See the file's head. */
export class Stream {
  readonly #ctx: Context<typeof manifest>;
  readonly #publication: Publication<typeof manifest>;
  readonly #zero = timeZero(Number(process.hrtime.bigint()) / 1e6, Date.now());
  readonly #tracks = new Map<string, Track>();
  readonly #backoff = new Backoff({ min: 100, max: 10_000 });
  #host: MediaHost | undefined;

  constructor(ctx: Context<typeof manifest>, publication: Publication<typeof manifest>) {
    this.#ctx = ctx;
    this.#publication = publication;
  }

  /** Runs until the signal aborts; no host is left then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wanted(signal);
      if (signal.aborted) return;
      const began = this.#ctx.clock.monotonic();
      const failed = await this.#runHost(signal);
      if (!failed) continue;
      const held = this.#ctx.clock.monotonic() - began;
      await this.#ctx.clock.sleep(this.#backoff.next(held), signal).catch(() => undefined);
    }
  }

  /** One host from start to end; true where it failed. */
  async #runHost(signal: AbortSignal): Promise<boolean> {
    const { log, services, name, config } = this.#ctx;
    let host: MediaHost;
    try {
      host = await services.hosts.launch(patternLaunch(name, config, this.#zero));
    } catch (error) {
      log.error(
        { camera: this.#publication.cameraId, error },
        "the test pattern's host did not start; it is tried again",
      );
      return true;
    }
    this.#host = host;
    const closeHost = (): void => void host.close(0);
    signal.addEventListener('abort', closeHost, { once: true });
    if (signal.aborted) closeHost();
    const forgetDemand = this.#whenUnwanted(closeHost);
    host.onFrame((frame) => this.#write(host, frame));
    const end = await host.ended;
    forgetDemand();
    signal.removeEventListener('abort', closeHost);
    this.#host = undefined;
    if (end.cause === 'closed') return false;
    log.warn({ camera: this.#publication.cameraId, ...end }, "the test pattern's host ended; a new one is started");
    return true;
  }

  #write(host: MediaHost, { output, caps, unit }: HostFrame): void | Promise<void> {
    const track = this.#track(host, output as Output, caps);
    if (track.host !== host) {
      track.host = host;
      track.writer.discontinuity('restarted');
    }
    // A branch that blocks holds the host back; what it cannot take then is left out before it is encoded.
    // The picture is made at the moment that it shows.
    const capturedAt = this.#zero.epoch + ticksToMs(unit.pts, track.writer.caps.timescale);
    if (!track.writer.write({ ...unit, capturedAt })) return track.writer.ready();
  }

  #track(host: MediaHost, output: Output, caps: TrackCaps): Track {
    const known = this.#tracks.get(output);
    if (known && sameCaps(known.writer.caps, caps)) return known;
    const pad = this.#publication.out[output];
    const writer = pad.addTrack(output, caps, known ? { replaces: known.writer } : {});
    writer.onKeyFrameRequest(() => void this.#host?.forceKeyFrame(output).catch(() => undefined));
    const track = { writer, host: known?.host ?? host };
    this.#tracks.set(output, track);
    return track;
  }

  get #isWanted(): boolean {
    const { video, audio } = this.#publication.out;
    return video.wanted || audio.wanted;
  }

  /** Settles when somebody wants the media, or the signal aborts. */
  async #wanted(signal: AbortSignal): Promise<void> {
    if (this.#isWanted) return;
    const { video, audio } = this.#publication.out;
    await new Promise<void>((resolve) => {
      const forget: (() => void)[] = [];
      const look = (): void => {
        if (!this.#isWanted && !signal.aborted) return;
        for (const step of forget.splice(0)) step();
        resolve();
      };
      signal.addEventListener('abort', look, { once: true });
      forget.push(video.onWanted(look), audio.onWanted(look), () => signal.removeEventListener('abort', look));
      look();
    });
  }

  /** Calls back when nobody has wanted the media for a while; the returned function forgets it. */
  #whenUnwanted(callback: () => void): () => void {
    const { video, audio } = this.#publication.out;
    let cancel: (() => void) | undefined;
    const look = (): void => {
      cancel?.();
      cancel = this.#isWanted ? undefined : this.#ctx.clock.after(UNWANTED_MS, callback);
    };
    const forget = [video.onWanted(look), audio.onWanted(look), () => cancel?.()];
    look();
    return () => forget.forEach((step) => step());
  }
}

function sameCaps(a: TrackCaps, b: TrackCaps): boolean {
  if (a === b) return true;
  if (a.kind === 'data' || b.kind === 'data') return false;
  return a.codecString === b.codecString && a.timescale === b.timescale && Buffer.from(a.config).equals(b.config);
}
