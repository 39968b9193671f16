import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FrameReader,
  h264Payloads,
  parseAvcConfig,
  parseRtp,
  ReorderBuffer,
  RtpStreamWriter,
  RtpSync,
  splitLengthPrefixed,
  type RtpPacket,
} from '../../../core/media/index.ts';
import { syntheticVideo } from '../../../core/testing/index.ts';

const packet = (sequence: number): RtpPacket =>
  parseRtp(new RtpStreamWriter({ ssrc: 1, payloadType: 96, cname: '', sequence }).frame([[Uint8Array.of(1)]], 0)[0]!);

describe('the reorder buffer', () => {
  function reorder(wait = 100, capacity?: number) {
    const told: (number | string)[] = [];
    const buffer = new ReorderBuffer(
      { wait, ...(capacity !== undefined && { capacity }) },
      { packet: ({ sequence }) => void told.push(sequence), lost: (count) => void told.push(`lost ${count}`) },
    );
    return { told, buffer };
  }

  it('passes what is in order at once, also across the end of the numbers', () => {
    const { told, buffer } = reorder();
    for (const sequence of [65534, 65535, 0, 1]) buffer.push(packet(sequence), 0);
    expect(told).toEqual([65534, 65535, 0, 1]);
  });

  it('waits for what is late, drops what comes twice, and gives up in time', () => {
    const { told, buffer } = reorder();
    for (const [sequence, now] of [
      [1, 0],
      [3, 10],
      [4, 20],
      [3, 25],
      [2, 30],
      [2, 31],
      [6, 40],
      [7, 139],
    ] as const)
      buffer.push(packet(sequence), now);
    expect(told).toEqual([1, 2, 3, 4]);
    buffer.push(packet(8), 140);
    expect(told).toEqual([1, 2, 3, 4, 'lost 1', 6, 7, 8]);
    buffer.push(packet(5), 141);
    expect(told.at(-1)).toBe(8);
  });

  it('gives up without a further packet when it is told the time', () => {
    const { told, buffer } = reorder();
    buffer.push(packet(1), 0);
    buffer.push(packet(3), 1);
    buffer.expire(100);
    expect(told).toEqual([1]);
    buffer.expire(101);
    expect(told).toEqual([1, 'lost 1', 3]);
    expect(buffer.waiting).toBe(0);
  });

  it('holds no more than its capacity, and begins anew where the numbers leap', () => {
    const { told, buffer } = reorder(1e9, 3);
    for (const sequence of [1, 3, 4, 5]) buffer.push(packet(sequence), 0);
    expect(told).toEqual([1]);
    buffer.push(packet(6), 0);
    expect(told).toEqual([1, 'lost 1', 3, 4, 5, 6]);
    buffer.push(packet(30_000), 0);
    expect(told.slice(-2)).toEqual(['lost 1', 30_000]);
  });

  it('whatever order packets come in within the wait, they leave in order, each once', () => {
    const shuffled = fc
      .array(fc.nat(20), { minLength: 60, maxLength: 60 })
      .map((delays) =>
        delays
          .flatMap((delay, i) => [{ i, at: i + delay }, ...(delay % 5 === 0 ? [{ i, at: i + delay + 7 }] : [])])
          .sort((a, b) => a.at - b.at),
      );
    fc.assert(
      fc.property(shuffled, (sent) => {
        const { told, buffer } = reorder(1000);
        buffer.push(packet(65_530), 0);
        for (const { i, at } of sent) buffer.push(packet((65_531 + i) & 0xffff), at);
        expect(told).toEqual([65_530, ...Array.from({ length: 60 }, (_, i) => (65_531 + i) & 0xffff)]);
      }),
    );
  });
});

describe('frames of a stream', () => {
  const stream = syntheticVideo({ gop: 10, frameBytes: 400 });
  const { sps, pps } = parseAvcConfig(stream.caps.config);
  const sent = stream.frames(60).map((unit) => {
    // Synthetic bytes with the one bit by which a slice begins a picture.
    const nals = splitLengthPrefixed(unit.data).map((nal) => nal.slice());
    for (const nal of nals) nal[1] = 0x88;
    return { unit, nals };
  });
  function packets() {
    const writer = new RtpStreamWriter({ ssrc: 1, payloadType: 96, cname: '', sequence: 65_500 });
    return sent.map(({ unit, nals }) =>
      writer.frame(h264Payloads(unit.key ? [sps[0]!, pps[0]!, ...nals] : nals, 150), unit.pts),
    );
  }
  function reader(wait = 50) {
    const frames: { key: boolean; timestamp: number; data: Uint8Array }[] = [];
    const told = { lost: 0, broken: 0, needed: 0 };
    const made = new FrameReader(
      'h264',
      { wait },
      {
        frame: (frame, timestamp) => void frames.push({ key: frame.key, timestamp, data: frame.data }),
        keyFrameNeeded: () => void told.needed++,
        lost: (count, error) => void (error ? told.broken++ : (told.lost += count)),
      },
    );
    return { frames, told, reader: made };
  }

  it('arrive whole and in order, with and without markers', () => {
    for (const marked of [true, false]) {
      const { frames, told, reader: to } = reader();
      for (const bytes of packets().flat()) to.push({ ...parseRtp(bytes), ...(marked ? {} : { marker: false }) }, 0);
      expect(frames.map(({ timestamp }) => timestamp)).toEqual(
        sent.slice(0, marked ? 60 : 59).map(({ unit }) => unit.pts),
      );
      expect(told).toEqual({ lost: 0, broken: 0, needed: 0 });
    }
  });

  it('loss, reorder and duplicates: what comes out is whole, in order, and decodable', () => {
    const script = fc.record({
      lost: fc.uniqueArray(fc.nat(150), { maxLength: 6 }),
      late: fc.uniqueArray(fc.nat(200), { maxLength: 20 }),
      twice: fc.uniqueArray(fc.nat(200), { maxLength: 20 }),
    });
    const clean = reader();
    for (const bytes of packets().flat()) clean.reader.push(parseRtp(bytes), 0);
    fc.assert(
      fc.property(script, ({ lost, late, twice }) => {
        const { frames, told, reader: to } = reader();
        const arriving = packets()
          .flat()
          .flatMap((bytes, i) => {
            if (i > 0 && lost.includes(i)) return [];
            const at = i + (i > 0 && late.includes(i) ? 20 : 0);
            return twice.includes(i)
              ? [
                  { bytes, at },
                  { bytes, at: at + 3 },
                ]
              : [{ bytes, at }];
          })
          .sort((a, b) => a.at - b.at);
        for (const { bytes, at } of arriving) to.push(parseRtp(bytes), at);
        to.expire(Infinity);
        const byTime = new Map(clean.frames.map((frame, i) => [frame.timestamp, { ...frame, i }]));
        let before = -1;
        for (const { timestamp, data, key } of frames) {
          const original = byTime.get(timestamp)!;
          expect(Buffer.compare(data, original.data)).toBe(0);
          expect(original.i > before).toBe(true);
          // A frame that is missing is followed by a key frame.
          expect(original.i === before + 1 || key).toBe(true);
          before = original.i;
        }
        const missing = lost.filter((i) => i > 0).length;
        expect(told.lost).toBe(missing);
        expect(told.broken).toBe(0);
        if (missing === 0) expect(frames).toEqual(clean.frames);
        else expect(told.needed).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it("a stranger's nonsense costs its frame and is told once", () => {
    const { frames, told, reader: to } = reader();
    const [first, second, ...rest] = packets();
    for (const bytes of first!) to.push(parseRtp(bytes), 0);
    for (const bytes of second!) to.push({ ...parseRtp(bytes), payload: Uint8Array.of(0x1d, 1, 2) }, 0);
    for (const bytes of rest.flat()) to.push(parseRtp(bytes), 0);
    expect(told).toEqual({ lost: 0, broken: 1, needed: 8 });
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, ...sent.slice(10).map(({ unit }) => unit.pts)]);
  });
});

describe('streams of one sender', () => {
  it('are aligned by sender reports, to the tick, whatever their arrival', () => {
    const sync = new RtpSync();
    const video = sync.stream({ clockRate: 90_000 });
    const audio = sync.stream({ clockRate: 48_000, yields: 1000 });
    expect(audio.place(5000, 100, 100)).toBeUndefined();
    const zero = video.place(0xffffff00, 150, 150)!;
    expect(zero).toBe(900_000);
    expect(audio.place(5000, 100, 200)).toBeUndefined();
    // Picture 0xffffff00 and sound 14600 are of the same moment.
    audio.report(7_000_000, 14_600);
    expect(audio.place(5000, 100, 300)).toBeUndefined();
    video.report(7_001_000, (0xffffff00 + 90_000) % 2 ** 32);
    expect(audio.place(5000, 100, 300)).toBe(480_000 - 9600);
    expect(audio.place(14_600, 300, 300)).toBe(480_000);
    expect(video.place(200, 300, 300)).toBe(900_000 + 456);
  });

  it('sound alone begins when no picture came in time', () => {
    const audio = new RtpSync().stream({ clockRate: 48_000, yields: 1000 });
    expect(audio.place(0, 0, 0)).toBeUndefined();
    expect(audio.place(0, 0, 999)).toBeUndefined();
    expect(audio.place(0, 0, 1000)).toBe(480_000);
  });

  it('are aligned by arrival where reports never come', () => {
    const sync = new RtpSync();
    const video = sync.stream({ clockRate: 90_000 });
    const audio = sync.stream({ clockRate: 48_000, patience: 3000 });
    for (let ms = 0; ms <= 3000; ms += 100) {
      video.place(ms * 90, 1000 + ms + (ms % 300), 1000 + ms);
      const placed = audio.place(7 + ms * 48, 1020 + ms + (ms % 200), 1020 + ms);
      if (ms < 3000) expect(placed).toBeUndefined();
      else expect(placed).toBe((10_000 + 20 + ms) * 48);
    }
  });

  it('drift is followed by at most 0.5%, and a leap is a jump', () => {
    const sync = new RtpSync();
    const video = sync.stream({ clockRate: 90_000 });
    const audio = sync.stream({ clockRate: 48_000 });
    video.report(1_000_000, 0);
    video.place(0, 0, 0);
    audio.report(1_000_000, 0);
    expect(audio.place(0, 0, 0)).toBe(480_000);
    // Its clock has run 100 ms slow in the meantime.
    audio.report(1_010_100, 480_000);
    let last = audio.place(480_000 - 48, 0, 0)!;
    let moved = 0;
    for (let ms = 0; ms < 25_000; ms += 20) {
      const placed = audio.place(480_000 + ms * 48, 0, 0)!;
      expect(Math.abs(placed - last - (ms === 0 ? 48 : 960))).toBeLessThanOrEqual(6);
      moved = placed - 480_000 - 480_000 - ms * 48;
      last = placed;
    }
    expect(moved).toBe(4800);
    expect(audio.takeJump()).toBe(false);
    video.report(1_049_000, 49_000 * 90);
    audio.report(1_050_000, 480_000);
    expect(audio.place(480_000, 0, 0)).toBe(480_000 + 50_000 * 48);
    expect([audio.takeJump(), audio.takeJump()]).toEqual([true, false]);
  });

  it("the leader's own timestamps are never touched, and when it has stopped another leads", () => {
    const sync = new RtpSync();
    const [first, second] = [sync.stream({ clockRate: 90_000 }), sync.stream({ clockRate: 90_000 })];
    const moved: number[] = [];
    for (let s = 0; s < 40; s++) {
      // The first one's clock drifts by 0.1%, which the second follows while there is a first.
      if (s < 10) first.report(1_000_000 + s * 1001, s * 90_000);
      if (s < 10) expect(first.place(s * 90_000, 0, 0)).toBe(900_000 + s * 90_000);
      second.report(1_000_000 + s * 1000, s * 90_000);
      moved.push(second.place(s * 90_000, 0, 0)! - 900_000 - s * 90_000);
    }
    expect(moved.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(Math.abs(moved[24]! + 9 * 90)).toBeLessThanOrEqual(5 * 90);
    expect(new Set(moved.slice(24)).size).toBe(1);
    expect(sync.origin).toBe(990_000 - moved[39]! / 90);
  });
});
