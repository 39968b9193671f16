/**
 * Brings producers from one router to another: for viewers of a camera whose first worker is full, and for sessions that
 * change to a camera of another router. What is piped is counted by its users; the pair of transports that carries it
 * goes with the last producer in it.
 */
import type { types } from 'mediasoup';
import type { CameraRouter } from './camera-router.ts';

/** Loopback between the workers of one machine; big enough for a key frame of every layer at once. */
const LISTEN: types.TransportListenInfo = {
  protocol: 'udp',
  ip: '127.0.0.1',
  sendBufferSize: 4 * 1024 * 1024,
  recvBufferSize: 4 * 1024 * 1024,
};

/** One producer in another router. */
interface Piped {
  readonly opening: Promise<types.Producer>;
  users: number;
}

/** A producer that has been brought, for as long as it is wanted. */
export interface Brought {
  /** Its id in the other router: of its own, since the two routers may be in one worker, where ids are unique. */
  readonly producerId: string;
  readonly release: () => void;
}

/** The transports from one router to another, and what goes through them. */
interface Link {
  readonly opening: Promise<LinkEnds>;
  readonly piped: Map<string, Piped>;
}

interface LinkEnds {
  readonly here: types.PipeTransport;
  readonly there: types.PipeTransport;
  readonly release: () => void;
}

/** See the file's head. */
export class Pipes {
  readonly #links = new Map<CameraRouter, Map<CameraRouter, Link>>();
  readonly #keyFrameInterval: number;

  /** `keyFrameInterval`: how often a crowd behind a pipe may cost the publisher a key frame, ms. */
  constructor(keyFrameInterval: number) {
    this.#keyFrameInterval = keyFrameInterval;
  }

  /**
   * Has `producer` of `from` in `to`, until `release` is called. `to` must be held open by the caller. Rejects as
   * mediasoup does where either router or the producer goes meanwhile.
   */
  async bring(producer: types.Producer, from: CameraRouter, to: CameraRouter): Promise<Brought> {
    const link = this.#link(from, to);
    const piped = link.piped.get(producer.id) ?? this.#pipe(link, producer, from, to);
    piped.users++;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (--piped.users === 0) this.#drop(link, producer.id, piped, from, to);
    };
    try {
      return { producerId: (await piped.opening).id, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #link(from: CameraRouter, to: CameraRouter): Link {
    const ofSource = this.#links.get(from) ?? new Map<CameraRouter, Link>();
    this.#links.set(from, ofSource);
    const link = ofSource.get(to) ?? { opening: openLink(from, to), piped: new Map<string, Piped>() };
    ofSource.set(to, link);
    return link;
  }

  #pipe(link: Link, producer: types.Producer, from: CameraRouter, to: CameraRouter): Piped {
    const piped: Piped = { opening: openPipe(link.opening, producer, this.#keyFrameInterval), users: 0 };
    link.piped.set(producer.id, piped);
    to.counts.piped++;
    const ended = (): void => this.#drop(link, producer.id, piped, from, to);
    piped.opening.then(
      (opened) => (opened.closed ? ended() : void opened.observer.once('close', ended)),
      () => undefined,
    );
    return piped;
  }

  /** Safe to repeat. */
  #drop(link: Link, producerId: string, piped: Piped, from: CameraRouter, to: CameraRouter): void {
    if (link.piped.get(producerId) !== piped) return;
    link.piped.delete(producerId);
    to.counts.piped--;
    piped.opening.then(
      (producer) => producer.close(),
      () => undefined,
    );
    if (link.piped.size > 0) return;
    const ofSource = this.#links.get(from);
    ofSource?.delete(to);
    if (ofSource?.size === 0) this.#links.delete(from);
    link.opening.then(closeLink, () => undefined);
  }
}

async function openLink(from: CameraRouter, to: CameraRouter): Promise<LinkEnds> {
  const release = await from.use();
  const opened: types.PipeTransport[] = [];
  try {
    const open = async (router: types.Router): Promise<types.PipeTransport> => {
      // RTX: the kernel may drop of a burst even on loopback.
      const transport = await router.createPipeTransport({ listenInfo: LISTEN, enableRtx: true, enableSctp: false });
      opened.push(transport);
      return transport;
    };
    const [here, there] = await Promise.all([open(from.router), open(to.router)]);
    const connect = (one: types.PipeTransport, other: types.PipeTransport): Promise<void> =>
      one.connect({ ip: other.tuple.localAddress, port: other.tuple.localPort });
    await Promise.all([connect(here, there), connect(there, here)]);
    // One end goes with its router or worker: then the other is of no use.
    here.observer.once('close', () => there.close());
    there.observer.once('close', () => here.close());
    return { here, there, release };
  } catch (error) {
    for (const transport of opened) transport.close();
    release();
    throw error;
  }
}

function closeLink({ here, there, release }: LinkEnds): void {
  here.close();
  there.close();
  release();
}

async function openPipe(
  opening: Promise<LinkEnds>,
  producer: types.Producer,
  keyFrameRequestDelay: number,
): Promise<types.Producer> {
  const { here, there } = await opening;
  const consumer = await here.consume({ producerId: producer.id });
  try {
    const { kind, rtpParameters } = consumer;
    const piped = await there.produce({
      kind,
      rtpParameters,
      paused: producer.paused,
      ...(kind === 'video' ? { keyFrameRequestDelay } : {}),
    });
    consumer.observer.once('close', () => piped.close());
    piped.observer.once('close', () => consumer.close());
    // What happened while the worker answered.
    if (consumer.closed || here.closed || there.closed) piped.close();
    return piped;
  } catch (error) {
    consumer.close();
    throw error;
  }
}
