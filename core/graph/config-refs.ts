/** Manifests may refer to their configuration: `'{codec}'` in caps and routes, `'{part}'` in latencies. */
import type { CapsOffer, CapsPattern } from '../model/index.ts';
import type { LatencyRange, OutputOptions } from '../plugin/pads.ts';

type Config = Readonly<Record<string, unknown>> | undefined;

const KEY = /^\{([a-z0-9-]+)\}$/i;

const isRef = (value: unknown): boolean => typeof value === 'string' && KEY.test(value);

/** The value that a text of a manifest stands for; itself where it is no reference. */
function valueOf(text: unknown, config: Config): unknown {
  const key = typeof text === 'string' ? KEY.exec(text)?.[1] : undefined;
  return key === undefined ? text : config?.[key];
}

/** A route prefix with the configuration put in; undefined where the configuration has no value. */
export function routeOf(route: string, config: Config): string | undefined {
  let whole = true;
  const path = route.replace(/\{([a-z0-9-]+)\}/gi, (_, key: string) => {
    const value = config?.[key];
    if (typeof value !== 'string') whole = false;
    return typeof value === 'string' ? value : '';
  });
  return whole ? `/${path.split('/').filter(Boolean).join('/')}` : undefined;
}

/** What {@link offersOf} looks at. */
type Offering = { readonly [K in 'offers' | 'narrow']?: OutputOptions[K] | undefined };

/** What an output offers under this configuration. */
export function offersOf({ offers, narrow }: Offering, config: Config): readonly CapsOffer[] | undefined {
  // A configuration that was refused narrows nothing: then only the running track tells.
  if (config === undefined && (narrow || offers?.some(({ caps }) => Object.values(caps).some(isRef)))) return undefined;
  if (narrow) return narrow(config as never);
  return offers?.map((offer) => ({ ...offer, caps: capsOf(offer.caps, config) }));
}

function capsOf(pattern: CapsPattern, config: Config): CapsPattern {
  const entries = Object.entries(pattern).map(([key, value]) => [key, valueOf(value, config)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** A latency under this configuration, in ms; what has no value counts as nothing. */
export function latencyOf(
  range: LatencyRange | undefined,
  config: Config,
): { readonly min: number; readonly max: number } {
  const number = (value: unknown): number => {
    const resolved = valueOf(value, config);
    return typeof resolved === 'number' ? resolved : 0;
  };
  return { min: number(range?.min), max: number(range?.max) };
}
