/** Loads playlists for hls.js that begin where the page wants them to. */
import Hls, { type HlsConfig, type PlaylistLoaderConstructor } from 'hls.js';
import { beginAt } from './fragments.ts';

/** For `pLoader` of hls.js: its own loader, and {@link beginAt} over what it brings. */
export function loaderBeginningAt(moment: number): PlaylistLoaderConstructor {
  const Loader = Hls.DefaultConfig.loader as unknown as PlaylistLoaderConstructor;
  return class extends Loader {
    constructor(config: HlsConfig) {
      super(config);
      const load = this.load.bind(this);
      this.load = (context, loadConfig, callbacks) =>
        load(context, loadConfig, {
          ...callbacks,
          onSuccess: (response, ...more) => {
            if (typeof response.data === 'string') response.data = beginAt(response.data, moment);
            callbacks.onSuccess(response, ...more);
          },
        });
    }
  };
}
