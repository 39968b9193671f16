import { expect, it } from 'vitest';
import { EncoderChoice, ENCODERS } from '../../../plugins/transcode/video/encoders.ts';

/** A machine with these elements. */
const machine = (...elements: string[]) => ({ hasElement: async (name: string) => elements.includes(name) });
let now = 0;
const choice = (hosts: ReturnType<typeof machine>, wanted: 'auto' | 'qsv' | 'openh264' = 'auto') =>
  new EncoderChoice(hosts, wanted, () => now);

it('takes a device where there is one, else software', async () => {
  expect((await choice(machine('x264enc', 'openh264enc', 'vah264enc')).choose()).name).toBe('va');
  expect((await choice(machine('x264enc', 'openh264enc')).choose()).name).toBe('x264');
  expect((await choice(machine('openh264enc')).choose()).name).toBe('openh264');
  // Nothing is there: the launch will say what is missing.
  expect((await choice(machine()).choose()).name).toBe('x264');
  expect((await choice(machine('x264enc', 'vah264enc', 'openh264enc'), 'openh264').choose()).name).toBe('openh264');
  expect((await choice(machine('x264enc', 'vah264enc'), 'qsv').choose()).name).toBe('x264');
  expect((await choice(machine(), 'qsv').choose()).name).toBe('qsv');
});

it('leaves a device that failed for a while, and never software', async () => {
  now = 1000;
  const encoders = choice(machine('x264enc', 'vah264enc'));
  const device = await encoders.choose();
  expect(encoders.failed(device)).toBe(true);
  const software = await encoders.choose();
  expect(software.name).toBe('x264');
  expect(encoders.failed(software)).toBe(false);
  now += 299_000;
  expect((await encoders.choose()).name).toBe('x264');
  now += 2000;
  expect((await encoders.choose()).name).toBe('va');
});

it('tells every encoder its name, bit rate and key frame interval', () => {
  const wishes = { name: 'encoder_720p', bitrate: 2_500_000, keyInterval: 50, preset: 'veryfast' } as const;
  for (const { element, launch } of ENCODERS) {
    for (const mode of ['low-latency', 'quality'] as const) {
      const text = launch({ ...wishes, mode });
      expect(text).toContain(`${element} name=encoder_720p `);
      expect(text).toMatch(/2500(000)?\b/);
      expect(text).toMatch(/=50\b/);
    }
  }
});
