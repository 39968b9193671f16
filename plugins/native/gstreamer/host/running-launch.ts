/** One launch that runs in this process. */
import type { HostRefusal } from '../control.ts';
import { loadAddon, type BusMessage, type Element, type Pipeline } from './addon.ts';

/** A request that cannot be met; the parent gets its `code` and `details`. */
export class Refusal extends Error {
  readonly code: HostRefusal;
  readonly details: Record<string, string>;
  constructor(code: HostRefusal, message: string, details: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export type Addon = ReturnType<typeof loadAddon>;

/** May take seconds on a machine where GStreamer has not yet looked at its plugins. */
export function load(): Addon {
  try {
    return loadAddon();
  } catch (error) {
    throw new Refusal('ADDON_MISSING', `gstreamer-superficial cannot be loaded: ${(error as Error).message}`);
  }
}

/** See the file's head. */
export class RunningLaunch {
  readonly #pipeline: Pipeline;
  readonly #elements = new Map<string, Element>();

  /** Plays it; throws {@link Refusal}. */
  constructor(addon: Addon, description: string, listener: (message: BusMessage) => void) {
    this.#pipeline = parse(addon, description);
    this.#pipeline['auto-flush-bus'] = false;
    this.#pipeline.pollBus(listener);
    this.#pipeline.play();
  }

  find(name: string): Element {
    const element = this.#elements.get(name) ?? this.#pipeline.findChild(name);
    if (!element) throw new Refusal('PROPERTY_UNKNOWN', `the launch has no element named "${name}"`);
    this.#elements.set(name, element);
    return element;
  }

  /** A value of a wrong type, or for a property that does not exist, would abort the process. */
  set(name: string, property: string, value: number | string | boolean): void {
    const element = this.find(name);
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

  forceKeyFrames(elements: readonly string[]): void {
    for (const name of elements) {
      this.find(name);
      this.#pipeline.forceKeyUnit(name, 0);
    }
  }

  /** Its sources end. */
  endOfStream(): void {
    this.#pipeline.sendEOS();
  }

  /** Only from within the listener. */
  stop(): void {
    this.#pipeline.stop();
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
