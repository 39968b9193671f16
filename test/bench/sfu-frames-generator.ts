/** WHIP publishers of libdatachannel, paced as cameras are: H.264 of 30 fps and Opus. Arguments: URL, publishers, bits a second. */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import nodeDataChannel from 'node-datachannel';
import { h264Payloads, parseAvcConfig, RtpStreamWriter } from '../../core/media/index.ts';
import { syntheticVideo } from '../../core/testing/index.ts';

const [url, count, bitrate] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const FPS = 30;
const GOP = 60;
const SOUND_MS = 20;
const SOUND_BYTES = 80;
const TICK_MS = 5;
const KEY_TIMES = 4; // a key frame is so much larger than others

const { sps, pps } = parseAvcConfig(syntheticVideo({ width: 1280, height: 720 }).caps.config);
const inter = Math.round(bitrate / 8 / FPS / (1 + (KEY_TIMES - 1) / GOP));
const slice = (header: number, bytes: number): Uint8Array => {
  const nal = randomFillSync(new Uint8Array(bytes));
  nal.set([header, 0x88]);
  return nal;
};
const key = h264Payloads([sps[0]!, pps[0]!, slice(0x65, inter * KEY_TIMES)], 1188);
const other = h264Payloads([slice(0x61, inter)], 1188);
// CELT, 20 ms, one frame.
const sound = [[Uint8Array.from([0xfc, ...new Array<number>(SOUND_BYTES - 1).fill(7)])]];

interface Publisher {
  sendUntil(ms: number): void;
}

async function publish(index: number): Promise<Publisher> {
  const connection = new nodeDataChannel.PeerConnection(`bench${index}`, { iceServers: [], bindAddress: '127.0.0.1' });
  const video = new nodeDataChannel.Video('0', 'SendOnly');
  video.addH264Codec(96, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1');
  const audio = new nodeDataChannel.Audio('1', 'SendOnly');
  audio.addOpusCodec(111);
  const cname = `bench${index}`;
  const writers = [96, 111].map(
    (payloadType, i) => new RtpStreamWriter({ ssrc: index * 2 + i + 1000, payloadType, cname }),
  );
  video.addSSRC(writers[0]!.ssrc, cname, 'm', 'v');
  audio.addSSRC(writers[1]!.ssrc, cname, 'm', 'a');
  const tracks = [connection.addTrack(video), connection.addTrack(audio)];
  const gathered = new Promise<void>((resolve) =>
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    }),
  );
  const connected = new Promise<void>((resolve) =>
    connection.onStateChange((state) => {
      if (state === 'connected') resolve();
    }),
  );
  connection.setLocalDescription('offer');
  await gathered;
  const answer = await fetch(`${url}/whip/${cname}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: connection.localDescription()!.sdp,
  });
  if (answer.status !== 201) throw new Error(`${cname} got ${answer.status}: ${await answer.text()}`);
  connection.setRemoteDescription(await answer.text(), 'answer');
  await connected;
  let [pictures, sounds] = [0, 0];
  const offset = (index * ((GOP * 1000) / FPS)) / count;
  const reportedAt = [-Infinity, -Infinity];
  const send = (line: 0 | 1, payloads: Parameters<RtpStreamWriter['frame']>[0], at: number): void => {
    const timestamp = Math.round(at * (line === 0 ? 90 : 48));
    for (const packet of writers[line]!.frame(payloads, timestamp)) tracks[line]!.sendMessageBinary(packet as Buffer);
    if (at - reportedAt[line]! < 1000) return;
    reportedAt[line] = at;
    tracks[line]!.sendMessageBinary(writers[line]!.report(Date.now(), timestamp) as Buffer);
  };
  return {
    sendUntil(ms) {
      const now = ms - offset;
      for (let at = (pictures * 1000) / FPS; at <= now; at = (pictures * 1000) / FPS)
        send(0, pictures++ % GOP === 0 ? key : other, at);
      for (; sounds * SOUND_MS <= now; sounds++) send(1, sound, sounds * SOUND_MS);
    },
  };
}

const all: Publisher[] = [];
for (let i = 0; i < count; i++) all.push(await publish(i));
const begun = performance.now();
const timer = setInterval(() => {
  const ms = performance.now() - begun;
  for (const publisher of all) publisher.sendUntil(ms);
}, TICK_MS);
process.send!('publishing');
await once(process, 'disconnect');
clearInterval(timer);
process.exit(0);
