/** The part of mpd-parser 1.4.0 that tests use; the package has no types. */
declare module 'mpd-parser' {
  export interface Playlist {
    readonly attributes: { readonly NAME: string };
    /** Those that may be fetched at `NOW`, the oldest first. */
    readonly segments: readonly {
      readonly uri: string;
      /** Seconds. */
      readonly duration: number;
      readonly map: { readonly uri: string };
    }[];
  }

  /** Reads a manifest as players on video.js do. Throws where it finds one invalid. `NOW`: epoch ms. */
  export function parse(
    manifest: string,
    options: { readonly manifestUri: string; readonly NOW: number },
  ): { readonly playlists: readonly Playlist[] };
}
