/**
 * A source for tests of durability: so many cameras in real time, whose every frame can be checked by itself, and a witness
 * who writes down at once what was sent and what was acknowledged, so that it survives whatever is killed.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { defineManifest, definePlugin, FilePath, Integer, output, Text, type Context, type Running } from 'eddy/plugin';
import { syntheticAudio, syntheticVideo } from 'eddy/testing';
import { checkedFrame } from '../checked-frames.ts';

const manifest = defineManifest({
  name: 'test.paced-cameras',
  version: '1.0.0',
  api: 1,
  summary: 'Cameras for tests of durability.',
  config: {
    count: Integer({ doc: 'How many cameras.', default: 8, min: 1, max: 64 }),
    prefix: Text({ doc: 'What their names begin with.', default: 'cam' }),
    fps: Integer({ doc: 'Frames a second.', default: 30, min: 1, max: 60 }),
    kbps: Integer({ doc: 'Bit rate of each, kbps.', default: 1000, min: 10, max: 20_000 }),
    witness: FilePath({ doc: 'The folder of sent.jsonl and acknowledged.jsonl; it exists.' }),
  },
  outputs: {
    video: output('frames', {
      doc: 'H.264 of which no decoder would make a picture.',
      offers: [{ caps: { kind: 'video', codec: 'h264', bFrames: false }, likelihood: 'usual' }],
    }),
    audio: output('frames', {
      doc: 'AAC likewise.',
      offers: [{ caps: { kind: 'audio', codec: 'aac' }, likelihood: 'usual' }],
    }),
  },
});

function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { count, prefix, fps, kbps, witness } = ctx.config;
  const sent = openSync(join(witness, 'sent.jsonl'), 'a');
  const acknowledged = openSync(join(witness, 'acknowledged.jsonl'), 'a');
  const events = openSync(join(witness, 'events.jsonl'), 'a');
  const video = syntheticVideo({ fps, gop: fps });
  const audio = syntheticAudio();
  const frameBytes = Math.round((kbps * 1000) / 8 / fps);

  ctx.events.on(({ type, at, cameraId, data }) => {
    if (type === 'segment.stored') writeSync(acknowledged, `${JSON.stringify({ at, cameraId, ...data })}\n`);
    else if (/^(timeline|report|segment)/.test(type))
      writeSync(events, `${JSON.stringify({ at, type, cameraId, data })}\n`);
  });

  async function publish(cameraId: string): Promise<void> {
    const publication = await ctx.cameras.publish({
      cameraId,
      credentials: {},
      peer: { address: '127.0.0.1', protocol: 'test' },
    });
    const writers = {
      video: publication.out.video.addTrack('video', video.caps),
      audio: publication.out.audio.addTrack('audio', audio.caps),
    };
    const began = ctx.clock.monotonic();
    const next = { video: 0, audio: 0 };
    const stop = ctx.clock.every(1000 / fps, () => {
      const elapsed = ctx.clock.monotonic() - began;
      const arrivedAt = ctx.clock.now();
      for (const [kind, stream] of Object.entries({ video, audio }) as ['video', typeof video][]) {
        const { timescale } = stream.caps;
        for (
          let unit = stream.frame(next[kind]);
          (unit.dts / timescale) * 1000 <= elapsed;
          unit = stream.frame(next[kind])
        ) {
          const bytes = kind === 'video' ? frameBytes : 200;
          writers[kind].write({ ...unit, data: checkedFrame(cameraId, unit.key, next[kind]++, bytes), arrivedAt });
        }
      }
      writeSync(sent, `${JSON.stringify({ cameraId, at: arrivedAt })}\n`);
    });
    publication.signal.addEventListener('abort', stop, { once: true });
  }

  return {
    async open() {
      await Promise.all(Array.from({ length: count }, (_, index) => publish(`${prefix}${index + 1}`)));
    },
    stop() {
      for (const file of [sent, acknowledged, events]) closeSync(file);
    },
  };
}

export default definePlugin(manifest, async () => ({ create }));
