/** From a launch with `{in:NAME}`, `{src:NAME}`, `{tap:NAME}` and `{out:NAME}` to what GStreamer parses. */
import type { HostLaunch } from 'eddy/plugin';

/** Throws TypeError for a launch that cannot share a child: a slot has one pipe, both ways. */
export function checkShared({ label, inputs = [], outputs = [], generator }: HostLaunch): void {
  if (inputs.length > 1 || outputs.length > 1 || generator)
    throw new TypeError(`the launch of "${label}" has more than one input and one output: it cannot share a host`);
}

/** What a host is told to run; plain data for the control channel. */
export interface ExpandedLaunch {
  /** Media pipes that the child needs, in the order of their descriptors. */
  readonly pipes: readonly string[];
  /** The description with the pipes' descriptors filled in. */
  describe(fds: Readonly<Record<string, number>>): string;
}

const NAME = /^[a-z][a-z0-9-]*$/;
const PLACE = /\{(in|src|tap|out):([^{}]*)\}/g;

/** Names of the elements at the ends, by which the child finds them. */
export const elementOf = (kind: 'src' | 'tap' | 'out', name: string): string => `eddy_${kind}_${name}`;
/** Names of the media pipes. */
export const pipeOf = (kind: 'in' | 'out', name: string): string => `${kind}:${name}`;

type Fds = Readonly<Record<string, number>>;

/** What stands in the launch for each end. */
const ENDS = {
  in: (name: string, _spec: HostLaunch, fds: Fds) => `fdsrc fd=${fds[pipeOf('in', name)]} blocksize=65536 ! gdpdepay`,
  // No clock and no preroll: the pipe's reader sets the pace, and one output never waits for another.
  out: (name: string, _spec: HostLaunch, fds: Fds) =>
    `gdppay name=${elementOf('out', name)} ! fdsink fd=${fds[pipeOf('out', name)]} sync=false async=false`,
  src: (name: string, { generator }: HostLaunch) =>
    `appsrc name=${elementOf('src', name)} is-live=true format=time leaky-type=downstream max-bytes=0 ` +
    `max-buffers=0 max-time=1000000000 caps="${generator!.sources[name]}"`,
  // Whoever listens is never waited for.
  tap: (name: string, { monitor }: HostLaunch) =>
    `appsink name=${elementOf('tap', name)} sync=false async=false drop=true max-buffers=32 enable-last-sample=false caps="${monitor!.caps}"`,
} as const;

/**
 * Checks that every stream stands in the launch exactly once and every place names one. Throws TypeError, since only
 * the author of a launch can mend it.
 */
export function expandLaunch(spec: HostLaunch): ExpandedLaunch {
  const inputs = (spec.inputs ?? []).map(({ name }) => name);
  const outputs = (spec.outputs ?? []).map(({ name }) => name);
  const sources = spec.generator?.sources ?? {};
  const declared = [
    ...inputs.map((name) => `in:${name}`),
    ...Object.keys(sources).map((name) => `src:${name}`),
    ...(spec.monitor ? [`tap:${spec.monitor.tap}`] : []),
    ...outputs.map((name) => `out:${name}`),
  ];
  const places = [...spec.launch.matchAll(PLACE)].map((match) => `${match[1]}:${match[2]}`);
  for (const entry of declared) {
    if (!NAME.test(entry.split(':')[1]!)) throw new TypeError(`"${entry}" is no name of a stream in a launch`);
    const count = places.filter((place) => place === entry).length;
    if (count !== 1)
      throw new TypeError(`{${entry}} must stand once in the launch of "${spec.label}", not ${count} times`);
  }
  const stray = places.find((place) => !declared.includes(place));
  if (stray) throw new TypeError(`{${stray}} in the launch of "${spec.label}" is not declared`);
  return {
    pipes: [...inputs.map((name) => pipeOf('in', name)), ...outputs.map((name) => pipeOf('out', name))],
    describe: (fds) =>
      spec.launch.replace(PLACE, (_place, kind: keyof typeof ENDS, name: string) => ENDS[kind](name, spec, fds)),
  };
}
