/** What is sent, as getStats tells it: in all and by layer. Bit rates over the last two seconds or so. */

export interface LayerFigures {
  readonly rid: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly bitsPerSecond: number;
  /** `none`, `cpu`, `bandwidth` or `other`. */
  readonly limitedBy: string;
  readonly keyFrameRequests: number;
}

export interface SenderFigures {
  readonly bitsPerSecond: number;
  readonly availableBitsPerSecond: number | undefined;
  /** Seconds. */
  readonly roundTrip: number | undefined;
  /** 0 to 1. */
  readonly loss: number | undefined;
  readonly codec: string | undefined;
  readonly encoder: string | undefined;
  readonly framesPerSecond: number | undefined;
  /** Highest first. */
  readonly layers: readonly LayerFigures[];
}

interface Entry {
  readonly type: string;
  readonly id: string;
  readonly kind?: string;
  readonly [name: string]: unknown;
}

const WINDOW = 2000;
type Sample = { readonly at: number; readonly bytes: number };

/** Reads a connection again and again. */
export class SenderMeter {
  readonly #samples = new Map<string, Sample[]>();

  async read(connection: RTCPeerConnection): Promise<SenderFigures> {
    const entries = [...((await connection.getStats()) as unknown as Map<string, Entry>).values()];
    const outbound = entries.filter(({ type }) => type === 'outbound-rtp');
    const remote = entries.filter(({ type }) => type === 'remote-inbound-rtp');
    const video = outbound.filter(({ kind }) => kind === 'video');
    const pair = entries.find((each) => each.type === 'candidate-pair' && each.nominated === true);
    const roundTrips = remote.flatMap(({ roundTripTime }) =>
      typeof roundTripTime === 'number' ? [roundTripTime] : [],
    );
    const losses = remote.flatMap(({ fractionLost }) => (typeof fractionLost === 'number' ? [fractionLost] : []));
    const order = layersOf(connection);
    const layers = video
      .map((each) => ({
        rid: (each.rid as string | undefined) ?? '',
        width: number(each.frameWidth),
        height: number(each.frameHeight),
        framesPerSecond: number(each.framesPerSecond),
        bitsPerSecond: this.#rate(each.id, number(each.bytesSent)),
        limitedBy: (each.qualityLimitationReason as string | undefined) ?? 'none',
        keyFrameRequests: number(each.pliCount) + number(each.firCount),
      }))
      .sort((a, b) => order.indexOf(a.rid) - order.indexOf(b.rid));
    const sound = outbound.filter(({ kind }) => kind === 'audio');
    const codec = entries.find(({ id }) => id === video[0]?.codecId)?.mimeType as string | undefined;
    return {
      bitsPerSecond:
        layers.reduce((sum, layer) => sum + layer.bitsPerSecond, 0) +
        sound.reduce((sum, each) => sum + this.#rate(each.id, number(each.bytesSent)), 0),
      availableBitsPerSecond: pair?.availableOutgoingBitrate as number | undefined,
      roundTrip: (pair?.currentRoundTripTime as number | undefined) ?? max(roundTrips),
      loss: max(losses),
      codec: codec?.replace('video/', ''),
      encoder: video[0]?.encoderImplementation as string | undefined,
      framesPerSecond: max(layers.map((layer) => layer.framesPerSecond)),
      layers,
    };
  }

  #rate(id: string, bytes: number): number {
    const at = performance.now();
    const samples = [...(this.#samples.get(id) ?? []).filter((sample) => at - sample.at < WINDOW), { at, bytes }];
    this.#samples.set(id, samples);
    const first = samples[0]!;
    return at - first.at < 200 ? 0 : (Math.max(0, bytes - first.bytes) * 8000) / (at - first.at);
  }
}

/** Names of the layers, the highest first: by what was offered, since one that is off just now has no size. */
function layersOf(connection: RTCPeerConnection): readonly string[] {
  const video = connection.getTransceivers().find(({ receiver }) => receiver.track.kind === 'video')?.sender;
  return (video?.getParameters().encodings ?? []).map(({ rid }) => rid ?? '').reverse();
}

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const max = (values: readonly number[]): number | undefined => (values.length > 0 ? Math.max(...values) : undefined);
