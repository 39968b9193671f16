/**
 * When the SFU asks a publisher for key frames (patches/keyframe-requests.patch), by a real worker: taps ask, a feed counts
 * and answers. Intervals are so long that a slow machine cannot make a request come by mistake.
 */
import { afterEach, expect, it } from 'vitest';
import type { CameraId, RtpFeed, RtpTap } from 'eddy/plugin';
import { h264Published, H264Writer, startSfu, until, type Sfu } from '../support/sfu.ts';

const CAMERA = 'door' as CameraId;
let sfu: Sfu | undefined;
afterEach(async () => {
  await sfu?.stop();
  sfu = undefined;
});

interface Publisher {
  /** Requests that have come. */
  readonly requests: number;
  /** Answers each request at once, from now on. */
  answer(): void;
  keyFrame(): void;
  ask(): void;
}

/** A publisher and one who asks; the requests of both's beginning are over. */
async function start(keyframeInterval: string, answers = true): Promise<Publisher> {
  sfu = await startSfu({ 'keyframe-interval': keyframeInterval });
  const feed: RtpFeed = await sfu.routers.feed(CAMERA, 'video', h264Published());
  const writer = new H264Writer();
  let requests = 0;
  let answering = answers;
  const keyFrame = (): void => {
    for (const packet of writer.frame(true)) feed.send(packet);
  };
  feed.onKeyFrameRequest(() => {
    requests += 1;
    if (answering) keyFrame();
  });
  // The stream is known to the worker by its first packet; a key frame, so that it asks for none itself.
  keyFrame();
  const tap: RtpTap = await sfu.routers.tap(feed.handle);
  let packets = 0;
  tap.onRtp(() => (packets += 1));
  await until(() => packets > 0 || requests > 0, 'the tap has asked or received');
  if (!answers) {
    keyFrame();
    await until(() => packets >= 3, 'what the tap asked for has come');
  }
  return {
    get requests() {
      return requests;
    },
    answer: () => (answering = true),
    keyFrame,
    ask: () => tap.requestKeyFrame(),
  };
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('answers who asks alone, and again soon after; a third time waits', async () => {
  const publisher = await start('1h');
  await until(() => publisher.requests === 1, 'the tap itself has asked');
  publisher.ask();
  await until(() => publisher.requests === 2, 'the second is asked for soon after');
  await pass(500);
  publisher.ask();
  await pass(700);
  expect(publisher.requests).toBe(2);
});

it('answers a crowd with one key frame for each interval', async () => {
  const publisher = await start('1500ms');
  await until(() => publisher.requests === 1, 'the tap itself has asked');
  const began = performance.now();
  const crowd = setInterval(() => publisher.ask(), 20);
  try {
    await pass(4000);
  } finally {
    clearInterval(crowd);
  }
  // Timers may be late, never early.
  expect(publisher.requests - 1).toBeGreaterThanOrEqual(1);
  expect(publisher.requests - 1).toBeLessThanOrEqual((performance.now() - began) / 1500);
});

it('has a key frame that comes unasked serve all who wait', async () => {
  const publisher = await start('1500ms');
  await until(() => publisher.requests === 1, 'the tap itself has asked');
  for (let i = 0; i < 10; i++) publisher.ask();
  await pass(100);
  publisher.keyFrame();
  await pass(2000);
  expect(publisher.requests).toBe(1);
});

it('takes who comes just after a crowd for one of it', async () => {
  const publisher = await start('1h');
  await until(() => publisher.requests === 1, 'the tap itself has asked');
  for (let i = 0; i < 10; i++) publisher.ask();
  await pass(100);
  publisher.keyFrame();
  await pass(400);
  publisher.ask();
  await pass(700);
  expect(publisher.requests).toBe(1);
});

it('asks again while nothing comes, and stops with the answer', async () => {
  const publisher = await start('1h', false);
  const before = publisher.requests;
  publisher.ask();
  await until(() => publisher.requests >= before + 3, 'it is asked for again');
  publisher.answer();
  await until(() => publisher.requests >= before + 4, 'it is asked for once more');
  const answered = publisher.requests;
  await pass(1300);
  expect(publisher.requests).toBe(answered);
});
