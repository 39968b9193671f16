/** Why a camera cannot play, in words: what is known of it is put together here, and nowhere else. */
import { codecName } from '../../shared/client/format.ts';
import type { Refusal } from '../../shared/client/refusal.ts';

/** What `/api/v1/cameras/{camera}` says, as far as a player needs it. */
export interface CameraView {
  readonly cameraId: string;
  readonly state: 'live' | 'lingering' | 'away';
  readonly since: number;
  readonly tracks: readonly {
    readonly stage: string;
    readonly pad: string;
    readonly track: string;
    readonly caps: {
      readonly kind?: string;
      readonly codec?: string;
      readonly codecString?: string;
      readonly [key: string]: unknown;
    };
    readonly links: readonly {
      readonly to: string;
      readonly active: boolean;
      readonly code?: string;
      readonly reason?: string;
      readonly mend?: string;
    }[];
  }[];
  readonly findings: readonly {
    readonly code: string;
    readonly stage: string;
    readonly message: string;
    readonly at: number;
    readonly count: number;
  }[];
  /** What viewers go without: of this kind of media nothing is recorded. */
  readonly limits: readonly {
    readonly limit: string;
    readonly kind: 'video' | 'audio';
    readonly track: string;
    readonly reason: string;
    readonly mend: string;
  }[];
}

/** What is known when something does not play. */
export interface Facts {
  readonly cameraId: string;
  /** The camera, or how the server refused to tell of it; undefined where the server did not answer. */
  readonly camera: CameraView | Refusal | undefined;
  /** How the playlist was refused; undefined where it was not, or not asked for. */
  readonly playlist?: Refusal | undefined;
  /** How WHEP refused; undefined where it did not, or is not there. */
  readonly whep?: Refusal | undefined;
  /** WebRTC was let in, but its packets do not get through. */
  readonly blocked?: boolean;
  /** It played by WebRTC, and that session ended. */
  readonly isLost?: boolean;
  /** Codecs that this browser said it cannot play. */
  readonly unsupported?: readonly string[];
  /** A moment of the past is wanted, not live. */
  readonly isPast?: boolean;
  /** There is a past of this camera. */
  readonly hasPast?: boolean;
  /** What the player itself said. */
  readonly failure?: string;
}

/** What the page says. */
export interface Reason {
  /** `waiting`: it will come by itself; `key`: ask for a key; `stuck`: only a change helps. */
  readonly kind: 'waiting' | 'key' | 'stuck';
  readonly title: string;
  readonly detail: string;
  readonly mend?: string;
}

/** The reason for these facts. */
export function explain(facts: Facts): Reason {
  const { camera, playlist, cameraId, unsupported = [] } = facts;
  if (unsupported.length > 0) return cannotDecode(unsupported);
  const refusal = camera !== undefined && 'status' in camera ? camera : undefined;
  const known = camera !== undefined && 'cameraId' in camera ? camera : undefined;

  for (const said of [facts.whep, playlist, refusal]) {
    if (said?.status === 401) return asksForKey('This camera needs a key', said);
    if (said?.status === 403) return asksForKey('This key does not open this camera', said);
  }
  if (facts.isPast && playlist?.code === 'publish.hls/RANGE_EMPTY') {
    return {
      kind: 'stuck',
      title: 'Nothing was recorded then',
      detail: 'Choose another moment, or go back to live.',
    };
  }
  // Who watches the past needs no publisher.
  if (facts.isPast && (known || refusal?.status === 404) && !playlist)
    return waiting('Playback was interrupted', facts.failure ?? 'Beginning anew.');
  if (known?.state === 'away' || (facts.hasPast && refusal?.code === 'CAMERA_UNKNOWN')) {
    return waiting(
      `${cameraId} is away`,
      'Nobody publishes this camera now. It plays by itself as soon as it is back.',
    );
  }
  if (known?.state === 'lingering') {
    return waiting(
      `${cameraId} was interrupted`,
      'Its publisher has gone a moment ago and may come back; this page goes on by itself.',
    );
  }
  if (refusal?.code === 'CAMERA_ID_INVALID') {
    return { kind: 'stuck', title: 'This is no camera name', detail: refusal.message ?? '', ...mendOf(refusal) };
  }
  if (refusal?.code === 'CAMERA_UNKNOWN' || playlist?.code === 'CAMERA_UNKNOWN') {
    return waiting(
      `No camera ${cameraId} yet`,
      'It plays by itself when it begins to publish. Names are case-sensitive.',
    );
  }
  // Without HLS in the pipeline it is WebRTC that should play it, so that is what is explained.
  if (known && (!playlist || isNoRoute(playlist))) {
    const why = facts.blocked ? BLOCKED : facts.whep ? notByWebRtc(facts.whep) : facts.isLost ? LOST : undefined;
    if (why) return why;
  }
  if (known && playlist && playlist.status !== 503) return notPublished(known, playlist);
  if (playlist?.status === 503 || refusal?.status === 503) {
    const said = playlist ?? refusal;
    return waiting('Starting', said?.message ?? 'The first seconds of this camera are being made.');
  }
  if (camera === undefined && playlist === undefined) {
    return waiting('The server does not answer', 'Trying again; if it stays so, see whether the engine runs.');
  }
  return waiting('Playback was interrupted', facts.failure ?? playlist?.message ?? 'Beginning anew.');
}

/** Tried again all the same: people move from one network to another. */
const BLOCKED: Reason = {
  kind: 'waiting',
  title: 'WebRTC is blocked on the way here',
  detail: 'The server let this page in, but neither UDP nor TCP gets through to its media port.',
  mend: 'Open the port of webrtc.workers, or give it a TURN server.',
};

const LOST: Reason = {
  kind: 'waiting',
  title: 'Connecting again',
  detail: 'The connection to the server was lost; a new one is being made.',
};

/** How WHEP refuses a camera that is live. */
function notByWebRtc(said: Refusal): Reason {
  if (said.code === 'CAMERA_AWAY' || said.status === 0 || said.status === 429 || said.status >= 500)
    return waiting('Starting', said.message ?? 'WebRTC is not ready for this camera yet.');
  return {
    kind: 'stuck',
    title: 'This camera cannot play by WebRTC',
    detail: said.message ?? `The server answered ${said.status}.`,
    ...mendOf(said),
  };
}

const isNoRoute = ({ status, code }: Refusal): boolean => status === 404 && code === 'HTTP_NOT_FOUND';

function cannotDecode(codecs: readonly string[]): Reason {
  const names = [...new Set(codecs.map(codecName))].join(' and ');
  const mends: Readonly<Record<string, string>> = {
    HEVC: 'Watch it in Safari, or in Chrome or Edge on a machine whose graphics decode HEVC; or publish H.264.',
    AV1: 'Watch it in a newer browser, or publish H.264.',
    'H.264': 'This browser was built without H.264: use Chrome, Edge, Firefox or Safari.',
    AAC: 'This browser was built without AAC: use Chrome, Edge, Firefox or Safari.',
  };
  return {
    kind: 'stuck',
    title: `This browser cannot play ${names}`,
    detail: `The camera sends ${codecs.join(', ')}.`,
    mend: mends[names] ?? 'Watch it in another browser, or publish H.264 with AAC.',
  };
}

/** The camera is live but HLS has nothing of it: a link that does not carry it says why. */
function notPublished(camera: CameraView, playlist: Refusal): Reason {
  const blocked = camera.tracks.flatMap((track) =>
    track.links.filter((link) => !link.active && link.reason).map((link) => ({ track, link })),
  );
  const first = blocked[0];
  if (first) {
    const { track, link } = first;
    const what = codecName(track.caps.codecString ?? track.caps.codec ?? track.track);
    return {
      kind: 'stuck',
      title: `This pipeline does not carry the camera's ${what} to here`,
      detail: `${track.stage}.${track.pad} to ${link.to}: ${link.reason}`,
      ...mendOf(link),
    };
  }
  if (playlist.status === 404 && playlist.code !== 'CAMERA_AWAY') {
    return {
      kind: 'stuck',
      title: 'The camera is live, but not published as HLS',
      detail: 'No publish.hls of this pipeline answers for it.',
      mend: 'Link its chunks to a publish.hls stage, or set "hls" of web.player to the prefix of that stage.',
    };
  }
  return waiting('Starting', playlist.message ?? 'The first seconds of this camera are being made.');
}

function asksForKey(title: string, said: Refusal): Reason {
  return { kind: 'key', title, detail: said.message ?? 'Enter the key that you were given.' };
}

const waiting = (title: string, detail: string): Reason => ({ kind: 'waiting', title, detail });
const mendOf = ({ mend }: { readonly mend?: string }): { mend?: string } => (mend === undefined ? {} : { mend });
