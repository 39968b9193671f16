/** WHIP publishers and WHEP players of libdatachannel (npm node-datachannel), over HTTP as any client. Its RTP is ours to write and to read. */
import nodeDataChannel from 'node-datachannel';
import { h264Payloads, parseAvcConfig, RtpStreamWriter } from '../../core/media/index.ts';
import { syntheticVideo } from '../../core/testing/index.ts';

type PeerConnection = nodeDataChannel.PeerConnection;
type Payloads = Parameters<RtpStreamWriter['frame']>[0];

/** How a client gets in. */
export interface ClientOptions {
  readonly token?: string;
  /** Changes the offer before it is sent: other roles, no candidates. */
  readonly offer?: (sdp: string) => string;
  /** Changes the answer before it is taken. */
  readonly answer?: (sdp: string) => string;
}

/** A connection and the address of its session. */
export interface Client {
  readonly connection: PeerConnection;
  readonly location: string;
  readonly offered: string;
  readonly answered: string;
  /** Closes the connection without a word; `DELETE` before it says goodbye. */
  close(): void;
  /** DELETE of the session, then the connection's end. Settles with the status. */
  leave(): Promise<number>;
}

/** A player: what it has received so far. */
export interface Player extends Client {
  /** Counts of RTP packets by payload type, and of pictures (RTP markers of the first m-line). */
  readonly received: { packets: number; bytes: number; pictures: number; readonly types: Map<number, number> };
  /** When the first picture was whole, by `performance.now()`. */
  readonly firstPicture: Promise<number>;
  /** The longest time between two packets since it was last asked, ms. */
  longestPause(): number;
  readonly tracks: readonly object[];
}

/** A publisher of pictures and Opus. */
export interface Publisher extends Client {
  /** Sends what is due at this time of its stream, ms. */
  sendUntil(ms: number): void;
  /** Up to which time of its stream it has sent, ms. */
  sentUntil(): number;
}

/** On a busy machine a handshake takes its retransmissions, a second, then two, then four. */
const CONNECT_MS = 30_000;

/**
 * Where the next connection looks for a free port: never where one of the last thousand was. libdatachannel goes without a word, and
 * mediasoup cannot be reached from the port of a client that it still believes to be there (up to 20 s); the system hands the same
 * ports out again much sooner when a thousand come and go.
 */
const PORTS = { first: 16_384, each: 8, ranges: 2_000 };
let range = Math.floor(Math.random() * PORTS.ranges);

function newConnection(name: string): PeerConnection {
  range = (range + 1) % PORTS.ranges;
  const portRangeBegin = PORTS.first + range * PORTS.each;
  return new nodeDataChannel.PeerConnection(name, {
    iceServers: [],
    bindAddress: '127.0.0.1',
    portRangeBegin,
    portRangeEnd: portRangeBegin + PORTS.each - 1,
  });
}

/** Offers, asks, takes the answer, and settles when DTLS is through. Throws with what was answered where that was no 201. */
async function begin(connection: PeerConnection, url: string, options: ClientOptions): Promise<Client> {
  const gathered = new Promise<void>((resolve) =>
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    }),
  );
  const connected = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no connection to ${url} within ${CONNECT_MS} ms`)), CONNECT_MS);
    connection.onStateChange((state) => {
      if (state === 'connected') resolve();
      else if (state === 'failed' || state === 'closed') reject(new Error(`the connection to ${url} is ${state}`));
      else return;
      clearTimeout(late);
    });
  });
  connected.catch(() => undefined);
  const authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  try {
    connection.setLocalDescription('offer');
    await gathered;
    const { sdp } = connection.localDescription()!;
    const offered = options.offer?.(sdp) ?? sdp;
    const headers = { 'content-type': 'application/sdp', ...authorization };
    const response = await fetch(url, { method: 'POST', headers, body: offered });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${text}`);
    const answered = options.answer?.(text) ?? text;
    const location = new URL(response.headers.get('location')!, url).href;
    connection.setRemoteDescription(answered, 'answer');
    await connected;
    return {
      connection,
      location,
      offered,
      answered,
      close: () => connection.close(),
      async leave() {
        const { status } = await fetch(location, { method: 'DELETE', headers: authorization });
        connection.close();
        return status;
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What a player takes. */
export interface PlayerOptions extends ClientOptions {
  readonly audio?: boolean;
  /** Header extensions of the video line, `9 urn:...`. With MID there can be no second line: libdatachannel does not read it. */
  readonly extensions?: readonly string[];
}

/** Watches a camera; settles when it is connected. */
export async function watchByWhep(url: string, options: PlayerOptions = {}): Promise<Player> {
  const connection = newConnection('player');
  const video = new nodeDataChannel.Video('0', 'RecvOnly');
  video.addH264Codec(96, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1');
  for (const extension of options.extensions ?? []) video.parseSdpLine(`a=extmap:${extension}`);
  const lines: (typeof video | InstanceType<typeof nodeDataChannel.Audio>)[] = [video];
  if (options.audio === true) {
    const audio = new nodeDataChannel.Audio('1', 'RecvOnly');
    audio.addOpusCodec(111);
    lines.push(audio);
  }
  const received = { packets: 0, bytes: 0, pictures: 0, types: new Map<number, number>() };
  const first = Promise.withResolvers<number>();
  let [last, longest] = [Infinity, 0];
  const tracks = lines.map((line) => {
    const track = connection.addTrack(line);
    track.onMessage((message) => {
      // RTCP shares the port (RFC 5761, 4): its packet types would be payload types 64 to 95 with the marker set.
      const second = message[1]!;
      if (second >= 192 && second <= 223) return;
      const type = second & 0x7f;
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      received.packets += 1;
      received.bytes += message.length;
      if (line === video && second >= 0x80 && ++received.pictures === 1) first.resolve(now);
      received.types.set(type, (received.types.get(type) ?? 0) + 1);
    });
    return track;
  });
  const client = await begin(connection, url, options);
  return {
    ...client,
    received,
    firstPicture: first.promise,
    // A track that nobody holds is collected, and hears nothing any more.
    tracks,
    longestPause() {
      const pause = Math.max(longest, performance.now() - last);
      longest = 0;
      return pause;
    },
  };
}

const FPS = 30;
const GOP = 60;
const KEY_TIMES = 4; // a key frame is so much larger than others
const SOUND_MS = 20;
const MTU = 1188;

/** Pictures that nobody decodes, of a camera's sizes: random slices behind true parameter sets. */
export function fakePictures(bitrate: number): { readonly key: Payloads; readonly other: Payloads } {
  const { sps, pps } = parseAvcConfig(syntheticVideo({ width: 1280, height: 720 }).caps.config);
  const bytes = Math.round(bitrate / 8 / FPS / (1 + (KEY_TIMES - 1) / GOP));
  const slice = (header: number, length: number): Uint8Array => {
    const nal = new Uint8Array(length);
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(nal.subarray(at, at + 65_536));
    nal.set([header, 0x88]);
    return nal;
  };
  return {
    key: h264Payloads([sps[0]!, pps[0]!, slice(0x65, bytes * KEY_TIMES)], MTU),
    other: h264Payloads([slice(0x61, bytes)], MTU),
  };
}

/** The same as VP8 (RFC 7741, 4.2; RFC 6386, 9.1): one packet a picture, a key frame with its start code and size. */
export function fakeVp8Pictures(): ReturnType<typeof fakePictures> {
  const picture = (header: readonly number[]): Payloads => {
    const bytes = crypto.getRandomValues(new Uint8Array(500));
    // A descriptor of one byte: the start of a partition, the first one.
    bytes.set([0x10, ...header]);
    return [[bytes]];
  };
  return {
    key: picture([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]),
    other: picture([0x11, 0x02, 0x00]),
  };
}

/** CELT, 20 ms, one frame of 80 bytes. */
export const fakeSound: Payloads = [[Uint8Array.from([0xfc, ...new Array<number>(79).fill(7)])]];

/** What a publisher sends. */
export interface PublisherOptions extends ClientOptions {
  /** Its SSRCs are this and the next number. */
  readonly ssrc?: number;
  readonly pictures: ReturnType<typeof fakePictures>;
  /** Of the pictures; `h264` where nothing is said. */
  readonly codec?: 'h264' | 'vp8';
  /** Where in its stream it begins, ms: many publishers have their key frames at different times. */
  readonly offset?: number;
}

/** Publishes H.264 (or VP8) of 30 fps and Opus; the caller says when, by `sendUntil`. */
export async function publishByWhip(url: string, options: PublisherOptions): Promise<Publisher> {
  const { ssrc = 1000, pictures, offset = 0, codec = 'h264' } = options;
  const cname = `camera${ssrc}`;
  const connection = newConnection(cname);
  const video = new nodeDataChannel.Video('0', 'SendOnly');
  if (codec === 'vp8') video.addVP8Codec(96);
  else video.addH264Codec(96, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1');
  const audio = new nodeDataChannel.Audio('1', 'SendOnly');
  audio.addOpusCodec(111);
  const writers = [
    new RtpStreamWriter({ ssrc, payloadType: 96, cname }),
    new RtpStreamWriter({ ssrc: ssrc + 1, payloadType: 111, cname }),
  ] as const;
  video.addSSRC(ssrc, cname, 'm', 'v');
  audio.addSSRC(ssrc + 1, cname, 'm', 'a');
  const tracks = [connection.addTrack(video), connection.addTrack(audio)] as const;
  let keyWanted = false;
  tracks[0].onMessage((message) => (keyWanted ||= asksForKeyFrame(message)));
  const client = await begin(connection, url, options);
  let [shown, heard, sinceKey] = [0, 0, GOP];
  const reportedAt = [-Infinity, -Infinity];
  const transmit = (line: 0 | 1, packet: Uint8Array): void => {
    try {
      tracks[line].sendMessageBinary(packet as Buffer);
    } catch (error) {
      // Not open yet, or ended from the other side at any moment: a camera finds nobody who takes its pictures.
      if (!/Track is (not open|closed)/.test(String(error))) throw error;
    }
  };
  const send = (line: 0 | 1, payloads: Payloads, at: number): void => {
    const timestamp = Math.round(at * (line === 0 ? 90 : 48));
    for (const packet of writers[line].frame(payloads, timestamp)) transmit(line, packet);
    if (at - reportedAt[line]! < 1000) return;
    reportedAt[line] = at;
    transmit(line, writers[line].report(Date.now(), timestamp));
  };
  return {
    ...client,
    sentUntil: () => offset + (shown * 1000) / FPS,
    sendUntil(ms) {
      const now = ms - offset;
      for (let at = (shown * 1000) / FPS; at <= now; at = (++shown * 1000) / FPS) {
        if (sinceKey >= GOP || keyWanted) [sinceKey, keyWanted] = [0, false];
        send(0, sinceKey++ === 0 ? pictures.key : pictures.other, at);
      }
      for (; heard * SOUND_MS <= now; heard++) send(1, fakeSound, heard * SOUND_MS);
    },
  };
}

/** PLI or FIR (RFC 4585, 6.3.1; RFC 5104, 4.3.1) in a compound packet. */
function asksForKeyFrame(rtcp: Buffer): boolean {
  for (let at = 0; at + 4 <= rtcp.length; at += 4 * (rtcp.readUInt16BE(at + 2) + 1)) {
    const format = rtcp[at]! & 0x1f;
    if (rtcp[at + 1] === 206 && (format === 1 || format === 4)) return true;
  }
  return false;
}

/** Sends of all publishers what is due, every 5 ms, until the returned function is called. */
export function play(publishers: readonly Publisher[]): () => void {
  const begun = performance.now();
  const timer = setInterval(() => {
    const ms = performance.now() - begun;
    for (const publisher of publishers) publisher.sendUntil(ms);
  }, 5);
  return () => clearInterval(timer);
}
