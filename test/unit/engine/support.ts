/** Small stages that the engine's tests are made of. */
import {
  scriptedSource,
  syntheticAudio,
  syntheticVideo,
  testPlugin,
  type LooseManifest,
} from '../../../core/testing/index.ts';
import {
  input,
  output,
  type AccessUnit,
  type AnyPlugin,
  type Flow,
  type FlowInput,
  type FlowOutput,
} from '../../../core/plugin/index.ts';

export const video = syntheticVideo({ fps: 10, gop: 10 });
export const audio = syntheticAudio();

/** Frame numbers of what came out: the synthetic video has 10 frames a second. */
export const numbers = (units: readonly AccessUnit[]): number[] => units.map((unit) => unit.dts / 9000);

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** A source of video and audio. */
export const avSource = () => scriptedSource({ video: 'frames', audio: 'frames' });

/** What a pass-through stage does besides. */
export interface PassOptions {
  readonly manifest?: LooseManifest;
  readonly onFlow?: (flow: Flow) => void;
  readonly onItem?: (unit: AccessUnit, flow: Flow) => void | Promise<void>;
  readonly drain?: (signal: AbortSignal) => Promise<void>;
  readonly accepts?: readonly object[];
}

/** A stage that passes on what comes in. */
export function passThrough(options: PassOptions = {}): AnyPlugin {
  return testPlugin(
    {
      name: 'test.pass',
      inputs: { in: input('frames', { doc: 'In.', ...(options.accepts && { accepts: options.accepts }) }) },
      outputs: { out: output('frames', { doc: 'Out.' }) },
      ...options.manifest,
    },
    () => ({
      flow(flow: Flow) {
        options.onFlow?.(flow);
        const into = (flow.in as unknown as { in: FlowInput<'frames'> }).in;
        const out = (flow.out as unknown as { out: FlowOutput<'frames'> }).out;
        into.onTrack((track) => {
          const writer = out.addTrack(track.id, track.caps, { from: track });
          writer.onKeyFrameRequest(() => track.requestKeyFrame());
          return {
            item: async (unit) => {
              await options.onItem?.(unit, flow);
              if (!writer.write(unit)) await writer.ready();
            },
            discontinuity: (cause) => writer.discontinuity(cause),
            gap: (from, to, cause) => writer.gap(from, to, cause),
            end: (cause) => writer.end(cause),
          };
        });
        return options.drain ? { drain: options.drain } : undefined;
      },
    }),
  );
}
