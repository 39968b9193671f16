/**
 * The load: many RTMP publishers in one paced process, each 30 pictures and 47 sounds a second. Messages are cut into
 * chunks once; only their timestamps are written anew, so that the generator stays cheap beside what it measures.
 */
import { AAC_44, AVC_HIGH, aacFrame, aacHeader, avcFrame, avcHeader, nal } from '../support/flv-bodies.ts';
import { chunks, MESSAGE, RtmpClient } from '../support/rtmp-client.ts';

const [port, publishers, bitrate] = process.argv.slice(2).map(Number) as [number, number, number];
const CHUNK_SIZE = 4096; // as OBS has it
const FPS = 30;
const TICK_MS = 10;
const AUDIO_MS = 1024 / 48;
const AUDIO_BYTES = 340;
const GOP = 60;

const audioBitrate = ((AUDIO_BYTES * 8) / AUDIO_MS) * 1000;
// A key frame of ten times a picture's size, as encoders make them.
const pictureBytes = Math.round(((bitrate - audioBitrate) / 8 / FPS) * (GOP / (GOP + 9)));

interface Template {
  readonly head: Buffer;
  readonly rest: Buffer;
}

function template(type: number, chunkStream: number, body: Uint8Array): Template {
  const whole = chunks({ type, chunkStream, body, streamId: 1, chunkSize: CHUNK_SIZE });
  return { head: whole.subarray(0, 12), rest: whole.subarray(12) };
}

const video = (key: boolean): Template =>
  template(MESSAGE.video, 6, avcFrame(key, 0, nal(Buffer.alloc(pictureBytes * (key ? 10 : 1), key ? 0x65 : 0x41))));
const [keyFrame, interFrame] = [video(true), video(false)];
const sound = template(MESSAGE.audio, 4, aacFrame(Buffer.alloc(AUDIO_BYTES, 0x21)));

class Publisher {
  readonly #client: RtmpClient;
  readonly #offset: number;
  #pictures = 0;
  #sounds = 0;

  constructor(client: RtmpClient, offset: number) {
    this.#client = client;
    this.#offset = offset;
    client.setChunkSize(CHUNK_SIZE);
    client.send('video', 0, avcHeader(AVC_HIGH));
    client.send('audio', 0, aacHeader(AAC_44));
  }

  get over(): boolean {
    return this.#client.over;
  }

  sendUntil(ms: number): void {
    const now = ms - this.#offset;
    const { socket } = this.#client;
    socket.cork();
    for (; (this.#pictures * 1000) / FPS <= now; this.#pictures++) {
      this.#write(this.#pictures % GOP === 0 ? keyFrame : interFrame, Math.round((this.#pictures * 1000) / FPS));
    }
    for (; this.#sounds * AUDIO_MS <= now; this.#sounds++) this.#write(sound, Math.round(this.#sounds * AUDIO_MS));
    socket.uncork();
  }

  #write({ head, rest }: Template, timestamp: number): void {
    const stamped = Buffer.from(head);
    stamped.writeUIntBE(timestamp, 1, 3);
    this.#client.socket.write(stamped);
    this.#client.socket.write(rest);
  }
}

const all: Publisher[] = [];
for (let i = 0; i < publishers; i++) {
  const client = await RtmpClient.publish(port, `bench${i}`);
  if (client.status !== 'NetStream.Publish.Start') throw new Error(`publisher ${i} got ${client.status}`);
  // Spread over a GOP, so that key frames do not come all at once.
  all.push(new Publisher(client, (i * ((GOP * 1000) / FPS)) / publishers));
}
const begun = performance.now();
setInterval(() => {
  const ms = performance.now() - begun;
  for (const publisher of all) publisher.sendUntil(ms);
  if (all.some(({ over }) => over)) {
    console.error('a publisher was disconnected');
    process.exit(1);
  }
}, TICK_MS);
process.on('disconnect', () => process.exit(0));
process.send!('publishing');
