import { describe, expect, it } from 'vitest';
import * as media from '../../../core/media/index.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('AAC', () => {
  it.each([
    ['1210', { objectType: 2, sampleRate: 44100, channels: 2, frameLength: 1024 }],
    ['1190', { objectType: 2, sampleRate: 48000, channels: 2 }],
    ['1188', { objectType: 2, sampleRate: 48000, channels: 1 }],
    ['2b920800', { objectType: 5, sampleRate: 22050, outputRate: 44100, channels: 2 }],
    ['1214', { frameLength: 960 }],
  ])('reads AudioSpecificConfig %s', (config, expected) => {
    expect(media.parseAacConfig(hex(config))).toMatchObject(expected);
  });

  it('builds what it reads, rates off the table included', () => {
    expect(media.buildAacConfig({ sampleRate: 44100, channels: 2 })).toEqual(hex('1210'));
    for (const sampleRate of [8000, 16000, 48000, 96000, 44056, 37801]) {
      for (const channels of [1, 2, 6, 8]) {
        const config = media.buildAacConfig({ sampleRate, channels });
        expect(media.parseAacConfig(config)).toMatchObject({ objectType: 2, sampleRate, channels });
      }
    }
  });

  it('refuses reserved rates, no channels and short configs', () => {
    for (const bad of ['', '12', '1680', '1200'])
      expect(() => media.parseAacConfig(hex(bad))).toThrow(media.MediaError);
  });

  it('takes frames out of ADTS with the config that the headers spell', () => {
    // As ffmpeg writes: 44.1 kHz, stereo, 9 bytes a frame with header.
    const frame = hex('fff15080013ffcde02');
    const adts = new Uint8Array([...frame, ...frame]);
    expect(media.isAdts(adts)).toBe(true);
    expect(media.splitAdts(adts)).toEqual([
      { data: hex('de02'), config: hex('1210') },
      { data: hex('de02'), config: hex('1210') },
    ]);
    expect(() => media.splitAdts(adts.subarray(0, 17))).toThrow(media.MediaError);
    expect(media.isAdts(hex('de020000000000'))).toBe(false);
  });
});

describe('Opus', () => {
  const head = hex('4f707573486561640102380180bb0000000000');

  it('goes between OpusHead and dOps', () => {
    const config = media.parseOpusHead(head);
    expect(config).toMatchObject({ channels: 2, preSkip: 312, inputRate: 48000, mappingFamily: 0 });
    expect(media.buildDops(config)).toEqual(hex('00020138' + '0000bb80' + '000000'));
    expect(media.buildOpusHead(media.parseDops(media.buildDops(config)))).toEqual(head);
    expect(media.audioCapsFromConfig('opus', head)).toMatchObject({
      sampleRate: 48000,
      channels: 2,
      codecString: 'opus',
    });
  });

  it('keeps the channel mapping of surround', () => {
    const surround = {
      channels: 6,
      preSkip: 312,
      inputRate: 48000,
      gain: -256,
      mappingFamily: 1,
      mapping: hex('0402000401020305'),
    };
    expect(media.parseOpusHead(media.buildOpusHead(surround))).toEqual(surround);
    expect(media.parseDops(media.buildDops(surround))).toEqual(surround);
  });

  it.each([
    ['fc', 960], // CELT 20 ms, one frame
    ['fd', 1920], // two equal frames
    ['ff03', 2880], // code 3, three frames
    ['18', 2880], // SILK 60 ms
    ['e0', 120], // CELT 2.5 ms
    ['68', 960], // hybrid 20 ms
  ])('tells the duration of a packet that begins with %s', (packet, samples) => {
    expect(media.opusPacketDuration(hex(packet))).toBe(samples);
  });

  it('refuses packets of no frames, of more than 120 ms, and none', () => {
    for (const bad of ['', 'ff', 'ff00', 'ff3f'])
      expect(() => media.opusPacketDuration(hex(bad))).toThrow(media.MediaError);
  });
});

describe('MP3', () => {
  it('reads frame headers', () => {
    expect(media.parseMp3Header(hex('fffb50c4'))).toEqual({ sampleRate: 44100, channels: 1, frameLength: 1152 });
    expect(media.parseMp3Header(hex('fff34404'))).toMatchObject({ sampleRate: 24000, frameLength: 576 });
    expect(() => media.parseMp3Header(hex('fff1508001'))).toThrow(media.MediaError);
  });
});
