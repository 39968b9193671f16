/** The child's side of a host: one launch, run until it is killed. Imports nothing of the core at run time. */
import type { GenerateRaw, HostGenerator, Json, ParentLink } from 'eddy/plugin';
import type { HostMessage, HostRefusal, HostRequest } from '../control.ts';
import { loadAddon, type Element, type Pipeline } from './addon.ts';

class Refusal extends Error {
  readonly code: HostRefusal;
  readonly details: Record<string, string>;
  constructor(code: HostRefusal, message: string, details: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Run by the parent process once the child is up. */
export function main(parent: ParentLink): void {
  const addon = load();
  const tell = (message: HostMessage): void => parent.send({ ...message });
  let pipeline: Pipeline | undefined;
  const elements = new Map<string, Element>();

  async function launch(description: string, generator: HostGenerator | null): Promise<void> {
    const running = parse(addon, description);
    pipeline = running;
    running.pollBus((message) => {
      if (message.type === 'eos') tell({ event: 'eos' });
      if (message.type === 'error') {
        tell({ event: 'error', element: message._src_element_name, message: message.message ?? 'no message' });
      }
    });
    running.play();
    if (generator) await generate(generator);
  }

  function find(name: string): Element {
    const element = elements.get(name) ?? pipeline?.findChild(name);
    if (!element) throw new Refusal('PROPERTY_UNKNOWN', `the launch has no element named "${name}"`);
    elements.set(name, element);
    return element;
  }

  async function generate({ module, options, sources }: HostGenerator): Promise<void> {
    const { generate } = (await import(module)) as { generate: GenerateRaw };
    const ends = new Map(Object.keys(sources).map((name) => [name, find(`eddy_src_${name}`)]));
    const time = Buffer.alloc(8);
    generate(options, (source, data, pts) => {
      time.writeBigUInt64BE(BigInt(Math.round(pts)));
      ends.get(source)!.push(data, time);
    });
  }

  /** A value of a wrong type, or for a property that does not exist, would abort the process. */
  function set(name: string, property: string, value: number | string | boolean): void {
    const element = find(name);
    const now = property in element ? element[property] : undefined;
    if (now === undefined || typeof now === 'function') {
      throw new Refusal('PROPERTY_UNKNOWN', `the element "${name}" has no property "${property}"`);
    }
    // A string property that was never set reads as null.
    const type = now === null ? 'string' : typeof now;
    if (type !== typeof value) {
      throw new Refusal('PROPERTY_UNKNOWN', `"${name}.${property}" takes a ${type}, not a ${typeof value}`);
    }
    element[property] = value;
  }

  parent.onRequest(async (body): Promise<Json> => {
    const request = body as HostRequest;
    switch (request.op) {
      case 'launch':
        await launch(request.launch, request.generator);
        return null;
      case 'key':
        for (const name of request.elements) {
          find(name);
          pipeline!.forceKeyUnit(name, 0);
        }
        return null;
      case 'set':
        set(request.element, request.property, request.value);
        return null;
      case 'eos':
        pipeline?.sendEOS();
        return null;
    }
  });
}

type Addon = ReturnType<typeof loadAddon>;

/** May take seconds on a machine where GStreamer has not yet looked at its plugins. */
function load(): Addon {
  try {
    return loadAddon();
  } catch (error) {
    throw new Refusal('ADDON_MISSING', `gstreamer-superficial cannot be loaded: ${(error as Error).message}`);
  }
}

function parse(addon: Addon, description: string): Pipeline {
  try {
    return new addon.Pipeline(description);
  } catch (error) {
    const { message } = error as Error;
    const element = /no element "([^"]+)"/.exec(message)?.[1];
    if (element)
      throw new Refusal('ELEMENT_MISSING', `this machine has no GStreamer element "${element}"`, { element });
    throw new Refusal('LAUNCH_INVALID', message);
  }
}
