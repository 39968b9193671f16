/** What conformance feeds to a plugin whose author says nothing: the media that each input takes. */
import { matchCaps } from '../graph/caps.ts';
import type { AccessUnit, Chunk, DiscontinuityCause } from '../model/index.ts';
import type { AnyPlugin, FlowOutput, InputPad, MediaTypeName, TrackWriter } from '../plugin/index.ts';
import { VirtualClock } from './clock.ts';
import type { Harness } from './harness.ts';
import type { CameraFeed } from './harness-types.ts';
import { syntheticAudio, syntheticChunks, syntheticVideo } from './media.ts';

/** Feeds one camera. */
export interface Feeder {
  /** Writes the media of these ms, counted from the camera's beginning, and lets the plugin work on it. */
  write(fromMs: number, toMs: number): Promise<void>;
  /** Marks a break of the timeline on every track. */
  discontinuity(cause: DiscontinuityCause): void;
  /** Writes something that no parser can make sense of, as the next item of every track. */
  poison?(): Promise<void>;
}

interface Lane {
  readonly writer: TrackWriter<MediaTypeName>;
  /** Items whose time lies in these ms. */
  between(fromMs: number, toMs: number): readonly { readonly at: number; readonly item: unknown }[];
  poisoned(item: unknown): unknown;
}

const GARBAGE = Uint8Array.of(0xff, 0x00, 0xff);

/** Opens tracks on every input for which there is synthetic media: `frames` and `chunks`. */
export function defaultFeeder(plugin: AnyPlugin, camera: CameraFeed<unknown>, h: Harness<unknown>): Feeder {
  const ports = camera.out as Readonly<Record<string, FlowOutput<MediaTypeName>>>;
  const lanes = Object.entries(plugin.manifest.inputs).flatMap(([name, pad]) => {
    const lane = laneOf(name, pad, ports[name]!, h.pipeline.clock.now());
    return lane ? [lane] : [];
  });
  const last = new Map<Lane, unknown>();
  const write = async (lane: Lane, item: unknown): Promise<void> => {
    if (!lane.writer.write(item as never)) await lane.writer.ready();
  };
  return {
    async write(fromMs, toMs) {
      const { clock } = h.pipeline;
      for (let from = fromMs; from < toMs; from += 100) {
        const to = Math.min(from + 100, toMs);
        const due = lanes.flatMap((lane) => lane.between(from, to).map((each) => ({ lane, ...each })));
        for (const { lane, item } of due.sort((a, b) => a.at - b.at)) {
          last.set(lane, item);
          await write(lane, item);
        }
        if (clock instanceof VirtualClock) await clock.advance(to - from);
        else await clock.sleep(5);
      }
    },
    discontinuity: (cause) => {
      for (const { writer } of lanes) writer.discontinuity(cause);
    },
    async poison() {
      for (const [lane, item] of last) await write(lane, lane.poisoned(item));
      await h.settle();
    },
  };
}

function laneOf(name: string, pad: InputPad, port: FlowOutput<MediaTypeName>, epoch: number): Lane | undefined {
  if (pad.type === 'chunks') {
    const made = syntheticChunks({ epoch });
    const ms = made.caps.partTarget * 1000;
    return {
      writer: port.addTrack('video', made.caps),
      between: (from, to) => numbers(from, to, ms).map((index) => ({ at: index * ms, item: made.chunk(index) })),
      poisoned: (item) => ({ ...(item as Chunk), data: GARBAGE }),
    };
  }
  if (pad.type !== 'frames') return undefined;
  const video = [
    syntheticVideo({ epoch }),
    syntheticVideo({ epoch, codec: 'hevc' }),
    syntheticVideo({ epoch, codec: 'av1' }),
  ];
  const audio = [syntheticAudio({ epoch }), syntheticAudio({ epoch, codec: 'opus' })];
  const offered = name.includes('audio') ? [...audio, ...video] : [...video, ...audio];
  const stream = offered.find(({ caps }) => matchCaps(pad, caps as never).fits);
  if (!stream) return undefined;
  const { kind, timescale } = stream.caps;
  const ms = (stream.frame(1).dts / timescale) * 1000;
  return {
    writer: port.addTrack(kind, stream.caps),
    between: (from, to) => numbers(from, to, ms).map((index) => ({ at: index * ms, item: stream.frame(index) })),
    poisoned: (item) => ({ ...(item as AccessUnit), key: true, data: GARBAGE }),
  };
}

/** Numbers of the items of `each` ms that begin in these ms. */
function numbers(from: number, to: number, each: number): number[] {
  const found: number[] = [];
  for (let index = Math.ceil(from / each - 1e-9); index * each < to - 1e-9; index++) found.push(index);
  return found;
}
