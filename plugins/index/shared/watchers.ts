/** Who watches which camera. */
import type { CameraId, Segment } from 'eddy/plugin';

type Listener = (segment: Segment) => void;

/** See the file's head. */
export class Watchers {
  readonly #onError: (error: unknown) => void;
  readonly #watchers = new Map<CameraId, Set<{ readonly listener: Listener }>>();

  /** `onError` is told what a listener throws; the others are called all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Whether anyone watches this camera. */
  has(cameraId: CameraId): boolean {
    return this.#watchers.has(cameraId);
  }

  /** Returns the function that ends it. The same listener may watch twice. */
  add(cameraId: CameraId, listener: Listener): () => void {
    const watcher = { listener };
    const watchers = this.#watchers.get(cameraId) ?? new Set();
    this.#watchers.set(cameraId, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(cameraId) === watchers) this.#watchers.delete(cameraId);
    };
  }

  tell(segment: Segment): void {
    for (const { listener } of [...(this.#watchers.get(segment.cameraId as CameraId) ?? [])]) {
      try {
        listener(segment);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
