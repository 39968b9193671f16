/** What every provider of MediaHosts must do. Runs real media for a second or two. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostFrame, HostLaunch, MediaHost, MediaHosts } from 'eddy/plugin';

/** A provider under test and how it ends. */
export interface Provided {
  readonly hosts: MediaHosts;
  stop(): Promise<void>;
}

const PICTURES = 'video/x-raw,format=I420,width=320,height=180,framerate=30/1';
const ENCODER =
  'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=300 ! video/x-h264,stream-format=avc,alignment=au';
const SOURCE: HostLaunch = {
  label: 'contract source',
  launch: `videotestsrc name=pattern is-live=true ! ${PICTURES} ! ${ENCODER} ! {out:video}`,
  outputs: [{ name: 'video' }],
};

/** True while the process exists and is no zombie that waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Collects frames; `count(n)` settles when there are n. */
export function collect(host: MediaHost): { readonly frames: HostFrame[]; count(n: number): Promise<void> } {
  const frames: HostFrame[] = [];
  const waiting: { n: number; resolve: () => void }[] = [];
  host.onFrame((frame) => {
    frames.push(frame);
    for (const entry of waiting) if (frames.length >= entry.n) entry.resolve();
  });
  return {
    frames,
    async count(n) {
      if (frames.length >= n) return;
      const enough = new Promise<void>((resolve) => waiting.push({ n, resolve }));
      const end = await Promise.race([enough, host.ended]);
      if (end) throw new Error(`the host ended after ${frames.length} of ${n} frames: ${JSON.stringify(end)}`);
    },
  };
}

/** The suite. */
export function mediaHostsContract(name: string, provide: () => Promise<Provided>): void {
  describe(`MediaHosts: ${name}`, () => {
    let provided: Provided;
    beforeAll(async () => void (provided = await provide()));
    afterAll(async () => provided.stop());

    it('gives frames from a launch: decodable from the first, in order, with the time between them', async () => {
      const host = await provided.hosts.launch(SOURCE);
      const { frames, count } = collect(host);
      await count(10);
      expect(frames[0]).toMatchObject({
        output: 'video',
        caps: { kind: 'video', codec: 'h264', width: 320, height: 180, timescale: 90_000 },
        unit: { key: true },
      });
      const steps = frames.slice(1).map((frame, i) => frame.unit.dts - frames[i]!.unit.dts);
      expect(steps.every((step) => step > 0 && step % 3000 === 0)).toBe(true);
      expect(new Set(frames.map((frame) => frame.caps)).size).toBe(1);
      expect(Math.abs(Date.now() - frames.at(-1)!.unit.arrivedAt)).toBeLessThan(5000);
      expect(isAlive(host.pid)).toBe(true);
      await Promise.all([host.close(), host.close()]);
      await host.close();
      expect(await host.ended).toEqual({ cause: 'closed' });
      expect(isAlive(host.pid)).toBe(false);
    });

    it('makes key frames and sets properties on demand, and refuses what does not exist', async () => {
      const host = await provided.hosts.launch(SOURCE);
      const { frames, count } = collect(host);
      await count(3);
      const before = frames.length;
      await host.forceKeyFrame();
      await count(before + 15);
      expect(frames.slice(before).filter((frame) => frame.unit.key)).toHaveLength(1);
      await expect(host.set('nobody', 'x', 1)).rejects.toThrow(/no element named "nobody"/);
      await expect(host.set('pattern', 'nothing', 1)).rejects.toThrow(/no property "nothing"/);
      await expect(host.set('pattern', 'kx', 'red')).rejects.toThrow(/takes a number/);
      await host.set('pattern', 'kx', 3);
      await expect(host.forceKeyFrame('audio')).rejects.toThrow(/no output "audio"/);
      await count(frames.length + 5);
      await host.close(0);
    });

    it('passes a track through decoder and encoder, keeps its time, and gives the last frame before it ends', async () => {
      const source = await provided.hosts.launch({
        ...SOURCE,
        launch: SOURCE.launch.replace('is-live=true', 'num-buffers=20'),
      });
      const original = collect(source);
      expect(await source.ended).toEqual({ cause: 'eos' });
      expect(original.frames).toHaveLength(20);
      const host = await provided.hosts.launch({
        label: 'contract transcoder',
        launch: `{in:video} ! avdec_h264 ! videoconvert ! videoscale ! video/x-raw,format=I420,width=160,height=90 ! ${ENCODER} ! {out:small}`,
        inputs: [{ name: 'video', caps: original.frames[0]!.caps }],
        outputs: [{ name: 'small' }],
      });
      const { frames } = collect(host);
      const shift = 90_000 * 3600;
      for (const { unit } of original.frames) {
        const moved = { ...unit, dts: unit.dts + shift, pts: unit.pts + shift };
        if (!host.write('video', moved)) await host.drained('video');
      }
      await host.close(5000);
      expect(host.usage).toMatchObject({ framesIn: 20, framesOut: 20, latency: expect.any(Number) as number });
      expect(frames[0]!.caps).toMatchObject({ width: 160, height: 90 });
      expect(frames.map(({ unit }) => unit.pts)).toEqual(original.frames.map(({ unit }) => unit.pts + shift));
      expect(host.write('video', original.frames[0]!.unit)).toBe(true);
      await host.drained('video');
    });

    it('knows the elements of the machine', async () => {
      expect(await provided.hosts.hasElement('x264enc')).toBe(true);
      expect(await provided.hosts.hasElement('no-such-element')).toBe(false);
    });

    it.each([
      ['has an unknown element', 'nosuchelement ! {out:video}', /nosuchelement/],
      ['has an unknown property', 'videotestsrc nonsense=1 ! {out:video}', /nonsense/],
      ['cannot be linked', 'videotestsrc ! avdec_h264 ! {out:video}', /link/],
    ])('rejects a launch that %s', async (_what, launch, message) => {
      await expect(provided.hosts.launch({ ...SOURCE, launch })).rejects.toMatchObject({
        name: 'EddyError',
        message: expect.stringMatching(message),
      });
    });

    it('tells an element that fails from media that ends', async () => {
      const host = await provided.hosts.launch({
        ...SOURCE,
        launch: `videotestsrc is-live=true ! ${PICTURES} ! identity error-after=5 ! ${ENCODER} ! {out:video}`,
      });
      collect(host);
      expect(await host.ended).toMatchObject({
        cause: 'error',
        code: expect.any(String),
        message: expect.stringMatching(/identity/),
      });
    });

    describe('launches that may share a child', () => {
      const TONE = 'audiotestsrc name=tone samplesperbuffer=960 is-live=true ! audio/x-raw,rate=48000,channels=2';
      const tone = (label: string, launch = `${TONE} ! opusenc name=encoder ! {out:audio}`): HostLaunch => ({
        label,
        launch,
        outputs: [{ name: 'audio' }],
        share: 'contract',
      });

      it('run side by side, and each ends by itself', async () => {
        const [first, second] = await Promise.all([
          provided.hosts.launch(tone('one')),
          provided.hosts.launch(tone('two')),
        ]);
        const [one, two] = [collect(first), collect(second)];
        await Promise.all([one.count(5), two.count(5)]);
        await first.close(0);
        expect(await first.ended).toEqual({ cause: 'closed' });
        const seen = one.frames.length;
        await two.count(two.frames.length + 10);
        expect(one.frames).toHaveLength(seen);
        expect(two.frames[0]).toMatchObject({ output: 'audio', caps: { codec: 'opus', timescale: 48_000 } });
        const steps = two.frames.slice(2).map(({ unit }, i) => unit.pts - two.frames[i + 1]!.unit.pts);
        expect(new Set(steps)).toEqual(new Set([960]));
        await Promise.all([second.close(), second.close(0)]);
      });

      it('keep their time and give their last frame, one after another', async () => {
        const source = await provided.hosts.launch(
          tone('source', `${TONE.replace('is-live=true', 'num-buffers=50')} ! opusenc ! {out:audio}`),
        );
        const original = collect(source);
        expect(await source.ended).toEqual({ cause: 'eos' });
        expect(original.frames.length).toBeGreaterThanOrEqual(50);
        for (let use = 0; use < 3; use++) {
          const host = await provided.hosts.launch({
            ...tone(`again ${use}`, '{in:a} ! opusdec ! audioconvert ! avenc_aac ! {out:audio}'),
            inputs: [{ name: 'a', caps: original.frames[0]!.caps }],
          });
          const { frames } = collect(host);
          for (const { unit } of original.frames) {
            const moved = { ...unit, dts: unit.dts + 48_000 * 3600, pts: unit.pts + 48_000 * 3600 };
            if (!host.write('a', moved)) await host.drained('a');
          }
          await host.close(5000);
          expect(frames[0]!.caps).toMatchObject({ codec: 'aac', channels: 2 });
          expect(Math.abs(frames[0]!.unit.pts - 48_000 * 3600)).toBeLessThanOrEqual(1024);
          expect(frames.length).toBeGreaterThanOrEqual(Math.floor((50 * 960) / 1024));
          expect(host.write('a', original.frames[0]!.unit)).toBe(true);
          await host.drained('a');
        }
      });

      it('that fail or hold back disturb no other', async () => {
        const bystander = await provided.hosts.launch(tone('bystander'));
        const { frames, count } = collect(bystander);
        await expect(provided.hosts.launch(tone('bad', 'nosuchelement ! {out:audio}'))).rejects.toThrow(
          /nosuchelement/,
        );
        const failing = await provided.hosts.launch(
          tone('failing', `${TONE} ! identity error-after=5 ! opusenc ! {out:audio}`),
        );
        collect(failing);
        expect(await failing.ended).toMatchObject({ cause: 'error', message: expect.stringMatching(/identity/) });
        const held = await provided.hosts.launch(tone('held'));
        let handed = 0;
        held.onFrame(() => (handed++, new Promise<void>(() => {})));
        await count(frames.length + 20);
        expect(handed).toBe(1);
        await held.close(100);
        await expect(bystander.set('encoder', 'nothing', 1)).rejects.toThrow(/no property "nothing"/);
        await bystander.set('encoder', 'bitrate', 24_000);
        await count(frames.length + 5);
        await bystander.close(0);
        await expect(
          provided.hosts.launch({ ...tone('wide'), outputs: [{ name: 'a' }, { name: 'b' }] }),
        ).rejects.toThrow(/cannot share/);
      });
    });

    it('leaves no process behind when it stops', async () => {
      const own = await provide();
      const hosts = await Promise.all(
        [SOURCE, SOURCE, { ...SOURCE, share: 'last' }, { ...SOURCE, share: 'last' }].map((spec) =>
          own.hosts.launch(spec),
        ),
      );
      const late = own.hosts.launch(SOURCE).catch(() => undefined);
      await own.stop();
      await own.stop();
      const last = await late;
      expect([...hosts, ...(last ? [last] : [])].filter((host) => isAlive(host.pid))).toEqual([]);
      await expect(own.hosts.launch(SOURCE)).rejects.toMatchObject({ code: 'SERVICE_RESTARTING' });
    });
  });
}
