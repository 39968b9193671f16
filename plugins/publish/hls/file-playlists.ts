/** HLS for a server of files, by RFC 8216: whole segments, no parts, nothing to wait for. */
import { initNameOf, type PastRange } from '../shared/past-media.ts';
import { fileName, folderOf } from '../shared/file-names.ts';
import type { LiveCamera } from '../shared/live-camera.ts';
import type { LiveSegment } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';
import type { Listing, ListingFormat } from '../shared/objects-feed.ts';
import { stretchesOf } from '../shared/stretches.ts';
import { PLAYLIST } from './answers.ts';
import { seconds } from './media-playlist.ts';
import { multivariantText, offered } from './multivariant.ts';
import { rangePlaylist, startTag } from './range-playlist.ts';
import { offered as offeredThen } from './range-routes.ts';

/** EXT-X-MAP needs version 6 (RFC 8216 7). */
const VERSION = 6;

/** See the file's head. */
export const filePlaylists: ListingFormat = {
  contentType: PLAYLIST,
  live(camera) {
    const media = [...camera.tracks.values()].flatMap((track) => livePlaylist(track) ?? []);
    return media.length > 0 && camera.offered.length > 0 ? [...media, liveIndex(camera)] : media;
  },
  recording(past, name) {
    const stretches = stretchesOf(past.tracks);
    const uriOf = (id: string) => `${folderOf(id)}/${name}.m3u8`;
    const text = multivariantText(past.tracks.map(offeredThen), uriOf, [startTag(past, stretches)]);
    const media = past.tracks.map(({ id }): Listing => {
      const playlist = rangePlaylist(past, stretches, id, { skip: false, nameOf: fileName });
      return { name: uriOf(id), text: playlist, needs: mediaOf(past, id) };
    });
    return [...media, { name: `${name}.m3u8`, text, needs: media.map((one) => one.name) }];
  },
};

function mediaOf(past: PastRange, id: string): string[] {
  const segments = past.tracks.find((track) => track.id === id)!.segments;
  const names = segments.flatMap((segment) => [initNameOf(segment), fileName(segment)]);
  return [...new Set(names)].map((name) => `${folderOf(id)}/${name}`);
}

const uriOf = (id: string): string => `${folderOf(id)}/live.m3u8`;

function liveIndex({ offered: tracks }: LiveCamera): Listing {
  const text = multivariantText(tracks.map(offered), uriOf, []);
  return { name: 'index.m3u8', text, needs: tracks.map(({ id }) => uriOf(id)) };
}

/** The live playlist of a track; undefined while it has no whole segment. */
function livePlaylist(track: LiveTrack): Listing | undefined {
  const segments = track.segments.filter(({ complete }) => complete);
  const [first] = segments;
  if (!first || segments.every(({ gap }) => gap)) return undefined;
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${track.targetDuration}`,
    `#EXT-X-MEDIA-SEQUENCE:${first.number}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first.epoch - Number(first.discontinuity)}`,
  ];
  if (segments.every(({ independent }) => independent)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  const names = new Set<string>();
  let map: string | undefined;
  for (const segment of segments) {
    lines.push(...entryOf(segment, segment.init.name !== map));
    map = segment.init.name;
    names.add(map);
    if (!segment.gap) names.add(fileName(segment));
  }
  if (track.ended) lines.push('#EXT-X-ENDLIST');
  const folder = folderOf(track.id);
  return { name: uriOf(track.id), text: `${lines.join('\n')}\n`, needs: [...names].map((name) => `${folder}/${name}`) };
}

function entryOf(segment: LiveSegment, newMap: boolean): string[] {
  return [
    ...(segment.discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
    ...(newMap ? [`#EXT-X-MAP:URI="${segment.init.name}"`] : []),
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(Math.round(segment.startTs)).toISOString()}`,
    ...(segment.gap ? ['#EXT-X-GAP'] : []),
    `#EXTINF:${seconds(segment.duration)},`,
    fileName(segment),
  ];
}
