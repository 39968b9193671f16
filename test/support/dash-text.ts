/** Reads manifests for tests: XML into elements, and the few units that MPDs have. Independent of the code that writes them. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

/** Parses well-formed XML without comments and CDATA; throws where a tag is not closed. */
export function readXml(xml: string): Element {
  const root = { name: '', attributes: {}, children: [] as Element[], text: '' };
  const open = [root];
  for (const [, tag = '', text = ''] of xml.replace(/^<\?[^>]*\?>/, '').matchAll(/<([^>]+)>|([^<]+)/g)) {
    const parent = open.at(-1)!;
    if (text !== '') parent.text += decode(text.trim());
    else if (tag.startsWith('/')) {
      if (open.pop()?.name !== tag.slice(1)) throw new Error(`</${tag.slice(1)}> closes nothing`);
    } else {
      const name = /^[\w:]+/.exec(tag)![0];
      const pairs = [...tag.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key, value]) => [key!, decode(value!)]);
      const element = { name, attributes: Object.fromEntries(pairs) as Record<string, string>, children: [], text: '' };
      parent.children.push(element);
      if (!tag.endsWith('/')) open.push(element);
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('not one whole element');
  return root.children[0]!;
}

const decode = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** The children of this name. */
export const all = (element: Element, name: string): Element[] =>
  element.children.filter((child) => child.name === name);

/** `PT1.5S`: seconds; undefined for anything else. */
export function secondsOf(text: string | undefined): number | undefined {
  const match = /^PT(\d+(?:\.\d+)?)S$/.exec(text ?? '');
  return match ? Number(match[1]) : undefined;
}

/** A Representation as it is to be fetched. Times in ticks. */
export interface ReadTrack {
  readonly id: string;
  readonly period: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly timescale: number;
  readonly offset: number;
  readonly initialization: string;
  readonly media: string;
  readonly startNumber: number | undefined;
  readonly duration: number | undefined;
  readonly early: number;
  readonly segments: readonly { readonly time: number; readonly duration: number }[] | undefined;
}

export interface ReadPeriod {
  readonly id: string;
  /** Seconds. */
  readonly start: number;
  readonly duration: number | undefined;
  readonly tracks: readonly ReadTrack[];
}

export interface ReadMpd {
  readonly root: Element;
  readonly dynamic: boolean;
  readonly periods: readonly ReadPeriod[];
}

/** Reads a manifest. */
export function readMpd(xml: string): ReadMpd {
  const root = readXml(xml);
  return {
    root,
    dynamic: root.attributes.type === 'dynamic',
    periods: all(root, 'Period').map((period) => ({
      id: period.attributes.id ?? '',
      start: secondsOf(period.attributes.start) ?? NaN,
      duration: secondsOf(period.attributes.duration),
      tracks: all(period, 'AdaptationSet').flatMap((set) =>
        all(set, 'Representation').map((one) => readTrack(one, set, period)),
      ),
    })),
  };
}

function readTrack(representation: Element, set: Element, period: Element): ReadTrack {
  const template = all(representation, 'SegmentTemplate')[0]?.attributes ?? {};
  const timeline = all(representation, 'SegmentTemplate').flatMap((one) => all(one, 'SegmentTimeline'))[0];
  const number = (name: string): number | undefined =>
    template[name] === undefined ? undefined : Number(template[name]);
  return {
    id: representation.attributes.id ?? '',
    period: period.attributes.id ?? '',
    attributes: { ...set.attributes, ...representation.attributes },
    timescale: number('timescale') ?? 1,
    offset: number('presentationTimeOffset') ?? 0,
    initialization: template.initialization ?? '',
    media: template.media ?? '',
    startNumber: number('startNumber'),
    duration: number('duration'),
    early: number('availabilityTimeOffset') ?? 0,
    segments: timeline && readTimeline(timeline),
  };
}

function readTimeline(timeline: Element): { time: number; duration: number }[] {
  const segments: { time: number; duration: number }[] = [];
  let time = 0;
  for (const { attributes } of all(timeline, 'S')) {
    if (attributes.t !== undefined) time = Number(attributes.t);
    for (let left = Number(attributes.r ?? 0); left >= 0; left -= 1) {
      segments.push({ time, duration: Number(attributes.d) });
      time += Number(attributes.d);
    }
  }
  return segments;
}
