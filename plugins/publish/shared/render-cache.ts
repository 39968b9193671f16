/** Rendered playlists and manifests: a thousand viewers who wait for the same part get the same bytes. */
import type { LiveCamera } from './live-camera.ts';

export class RenderCache {
  readonly #cameras = new WeakMap<LiveCamera, { revision: number; readonly bodies: Map<string, Uint8Array> }>();

  /** The playlist of this key as of the camera's newest revision. */
  get(camera: LiveCamera, key: string, render: () => string): Uint8Array {
    let entry = this.#cameras.get(camera);
    if (!entry) this.#cameras.set(camera, (entry = { revision: camera.revision, bodies: new Map() }));
    if (entry.revision !== camera.revision) {
      entry.revision = camera.revision;
      entry.bodies.clear();
    }
    let body = entry.bodies.get(key);
    if (!body) entry.bodies.set(key, (body = Buffer.from(render())));
    return body;
  }
}
