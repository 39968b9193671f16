import { expect, it } from 'vitest';
import { ENCODERS } from '../../../plugins/transcode/video/encoder-list.ts';
import { EncoderChoice, type EncoderName } from '../../../plugins/transcode/video/encoders.ts';

/** A machine with these elements. */
const machine = (...elements: string[]) => ({ hasElement: async (name: string) => elements.includes(name) });
let now = 0;
const choice = (hosts: ReturnType<typeof machine>, wanted: EncoderName = 'auto') =>
  new EncoderChoice(hosts, wanted, () => now);

it('takes a device where there is one, else software', async () => {
  expect((await choice(machine('x264enc', 'openh264enc', 'vah264enc')).choose('h264')).name).toBe('va');
  expect((await choice(machine('x264enc', 'openh264enc')).choose('h264')).name).toBe('x264');
  expect((await choice(machine('openh264enc')).choose('h264')).name).toBe('openh264');
  // Nothing is there: the launch will say what is missing.
  expect((await choice(machine()).choose('h264')).name).toBe('x264');
  expect((await choice(machine('x264enc', 'vah264enc', 'openh264enc'), 'openh264').choose('h264')).name).toBe(
    'openh264',
  );
  expect((await choice(machine('x264enc', 'vah264enc'), 'qsv').choose('h264')).name).toBe('x264');
  expect((await choice(machine(), 'qsv').choose('h264')).name).toBe('qsv');
});

it('takes for each codec what makes it', async () => {
  const all = machine('x264enc', 'x265enc', 'vp9enc', 'av1enc', 'nvh264enc', 'vah265enc', 'qsvav1enc');
  const names = async (wanted: EncoderName): Promise<readonly string[]> =>
    (await choice(all, wanted).chooseAll(['h264', 'hevc', 'vp9', 'av1', 'hevc'])).all.map(({ element }) => element);
  expect(await names('auto')).toEqual(['nvh264enc', 'vah265enc', 'vp9enc', 'qsvav1enc']);
  expect(await names('va')).toEqual(['x264enc', 'vah265enc', 'vp9enc', 'av1enc']);
  for (const name of ['software', 'x264'] as const)
    expect(await names(name)).toEqual(['x264enc', 'x265enc', 'vp9enc', 'av1enc']);
});

it('leaves a device that failed for a while, and never software', async () => {
  now = 1000;
  const encoders = choice(machine('x264enc', 'vah264enc'));
  const device = await encoders.choose('h264');
  expect(encoders.failed(device)).toBe(true);
  const software = await encoders.choose('h264');
  expect(software.name).toBe('x264');
  expect(encoders.failed(software)).toBe(false);
  now += 299_000;
  expect((await encoders.choose('h264')).name).toBe('x264');
  now += 2000;
  expect((await encoders.choose('h264')).name).toBe('va');
});

it('tells every encoder its name, bit rate and key frame interval', () => {
  const wishes = { name: 'encoder_720p', bitrate: 2_500_000, keyInterval: 50, preset: 'veryfast' } as const;
  for (const { element, launch } of ENCODERS) {
    for (const mode of ['low-latency', 'quality'] as const) {
      const text = launch({ ...wishes, mode });
      expect(text).toContain(`${element} name=encoder_720p `);
      expect(text).toMatch(/2500(000)?\b/);
      expect(text).toMatch(/=50\b/);
      // Of two modes that differ: what WebRTC gets holds nothing back.
      if (mode === 'low-latency') expect(text).not.toMatch(/look-?ahead=[1-9]|lag-in-frames=[1-9]|b-?frames=[1-9]/);
    }
  }
});
