/** Parts of the WHEP gateway: cameras, slots, layers, event streams. */
import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../../core/testing/index.ts';
import { EddyError, type CameraId } from 'eddy/plugin';
import { EventStreams } from '../../../plugins/webrtc/whep/event-streams.ts';
import { chooseLayer, describeLayers, layerCount } from '../../../plugins/webrtc/whep/layers.ts';
import { LiveCameras } from '../../../plugins/webrtc/whep/live-camera.ts';
import { Qualities } from '../../../plugins/webrtc/whep/quality.ts';
import { Slot } from '../../../plugins/webrtc/whep/slot.ts';
import { takeForWatching } from '../../../plugins/webrtc/shared/sdp/negotiate.ts';
import { parseOffer } from '../../../plugins/webrtc/shared/sdp/offer.ts';
import { FakeInput, FakeTransport, FIGURE, handleOf } from './gateway-fakes.ts';
import { capabilities, fixture } from './sdp-fixtures.ts';
import { FakeRtpRouters, handleOf as tappedHandleOf, pictures, RtpSource, type FakeTap } from './sfu-fakes.ts';

/** A publisher with a layer for each height, under the test's hand. */
function simulcast(heights: readonly number[]) {
  const ssrcs = heights.map((_, index) => 11 + index);
  const stream = (height: number) => pictures({ width: (height * 16) / 9, height });
  const layers = heights.map((height, index) => {
    const made = stream(height);
    return { made, rtp: new RtpSource('video', made.caps, ssrcs[index]!, 0), sent: 0 };
  });
  return {
    handle: tappedHandleOf('video', ssrcs),
    resize: (to: readonly number[]) => {
      for (const [index, layer] of layers.entries()) {
        layer.made = stream(to[index]!);
        layer.rtp.change(layer.made.caps);
      }
    },
    /** A key frame of a layer, and what ends it. */
    send: (tap: FakeTap, index: number) => {
      const layer = layers[index]!;
      for (const frame of [0, 1]) tap.deliver(layer.rtp.packets(layer.made.frame(frame), 40 * layer.sent++));
    },
  };
}

const forever = new AbortController().signal;
const CAM = 'cam1' as CameraId;

describe('a camera', () => {
  const start = () => {
    const clock = new VirtualClock();
    const cameras = new LiveCameras(clock);
    const camera = cameras.get(CAM);
    const input = new FakeInput();
    const detach = camera.attach(input);
    return { clock, cameras, camera, input, detach };
  };

  it('is asked for while somebody holds it, and ten seconds longer', async () => {
    const { clock, camera, input } = start();
    expect(input.wants).toEqual([false]);
    const release = camera.hold();
    expect(input.wants).toEqual([false, true]);
    release();
    release();
    await clock.advance(9_999);
    expect(input.wants).toEqual([false, true]);
    await clock.advance(2);
    expect(input.wants).toEqual([false, true, false]);
    camera.hold()();
    const again = camera.hold();
    await clock.advance(20_000);
    expect(input.wants.at(-1)).toBe(true);
    again();
  });

  it('is ready when every announced stream can be had; repeated handles are no change', async () => {
    const { camera, input } = start();
    let changes = 0;
    camera.onChange(() => changes++);
    const video = input.track('video');
    const audio = input.track('audio', 'audio');
    void video.item(handleOf('p1'));
    expect([camera.live, camera.ready]).toEqual([true, false]);
    void audio.item(handleOf('p2', 'audio'));
    expect(camera.ready).toBe(true);
    expect(changes).toBe(4);
    void video.item(handleOf('p1'));
    expect(changes).toBe(4);
    void video.item(handleOf('p3'));
    expect(camera.handle('video')?.producerId).toBe('p3');
    void video.end?.('publisher-ended');
    expect(camera.handle('video')).toBeUndefined();
  });

  it('outlives its flow while it is held, and is forgotten after', () => {
    const { cameras, camera, detach } = start();
    const release = camera.hold();
    detach();
    expect(cameras.get(CAM)).toBe(camera);
    release();
    expect(cameras.get(CAM)).not.toBe(camera);
  });

  it('lets wait until something holds, or time is over, or nobody waits any more', async () => {
    const { clock, camera, input } = start();
    const came = camera.until((each) => each.live, 1000, forever);
    input.track('video');
    expect(await came).toBe(true);
    const late = camera.until((each) => each.ready, 1000, forever);
    await clock.advance(1001);
    expect(await late).toBe(false);
    const left = new AbortController();
    const waiting = camera.until((each) => each.ready, 1000, left.signal);
    left.abort();
    expect(await waiting).toBe(false);
    expect(clock.timers()).toEqual([]);
  });
});

describe('a slot', () => {
  const start = (kind: 'audio' | 'video' = 'video') => {
    const clock = new VirtualClock();
    const transport = new FakeTransport();
    const media = takeForWatching(parseOffer(fixture('chromium-156-whep')), capabilities).find((m) => m.kind === kind)!;
    const told: string[] = [];
    const routers = new FakeRtpRouters();
    const qualities = new Qualities(routers, clock);
    const slot = new Slot(media, transport, clock, qualities, (_slot, event) => told.push(event.type));
    const show = async (id: string, signal = forever) => slot.show(await slot.prepare(handleOf(id, kind), {}), signal);
    return { clock, transport, routers, slot, show, told, calls: transport.calls };
  };

  it('holds the old picture until the key frame of the new one leaves', async () => {
    const { clock, transport, slot, show, calls } = start();
    await show('old');
    await clock.advance(1000);
    const shown = show('new');
    await settle();
    expect(calls).toEqual(['resume old', 'resume new']);
    expect(slot.handle?.producerId).toBe('old');
    transport.consumers[1]!.keyFrame();
    await shown;
    expect(calls).toEqual(['resume old', 'resume new', 'close old']);
    expect(slot.handle?.producerId).toBe('new');
    expect(clock.timers()).toEqual([]);
  });

  it('holds it for a second at most, and not where the session ends', async () => {
    const { clock, show, calls } = start();
    await show('old');
    await clock.advance(1000);
    const shown = show('new');
    await clock.advance(999);
    expect(calls.at(-1)).toBe('resume new');
    await clock.advance(2);
    await shown;
    expect(calls.at(-1)).toBe('close old');
    const end = new AbortController();
    await clock.advance(1000);
    const last = show('last', end.signal);
    await settle();
    end.abort();
    await last;
    expect(calls.at(-1)).toBe('close new');
  });

  it('lets receivers be: two changes are 600 ms apart, the second begins late', async () => {
    const { clock, transport, show, calls } = start();
    await show('one');
    const shown = show('two');
    await clock.advance(599);
    expect(calls).toEqual(['resume one']);
    await clock.advance(2);
    expect(calls).toEqual(['resume one', 'resume two']);
    transport.consumers[1]!.keyFrame();
    await shown;
    expect(calls.at(-1)).toBe('close one');
  });

  it('keeps pause and layer over a change', async () => {
    const { clock, slot, show, calls } = start();
    await show('one');
    await slot.prefer({ spatial: 1 });
    await slot.pause(true);
    await clock.advance(1000);
    calls.length = 0;
    await show('two');
    expect(calls).toEqual(['prefer two 1', 'close one']);
    await slot.pause(false);
    expect(calls.at(-1)).toBe('resume two');
  });

  it('shows no layer of more lines than a grant allows, whatever is chosen', async () => {
    const { slot, calls } = start();
    const ladder = { ...handleOf('one', 'video', ['l0', 'l1', 'l2']), lines: [180, 360, 720] };
    await slot.show(await slot.prepare(ladder, { maxLines: 400 }), forever);
    for (const cap of [{ spatial: 2 }, { spatial: 0 }, undefined]) await slot.prefer(cap);
    expect(calls.filter((call) => call.startsWith('prefer'))).toEqual([
      'prefer one 1',
      'prefer one 1',
      'prefer one 0',
      'prefer one 1',
    ]);
    await expect(slot.prepare(ladder, { maxLines: 100 })).rejects.toMatchObject({
      code: 'WATCH_REFUSED',
      message: 'this grant is for at most 100 lines, and the lowest layer of the camera has 180 lines',
    });
  });

  it('reads the sizes of what a publisher sends, and follows them', async () => {
    const { clock, routers, slot, told, calls } = start();
    const publisher = simulcast([360, 720]);
    const preparing = slot.prepare(publisher.handle, { maxLines: 400 });
    await settle();
    const tap = routers.taps[0]!;
    publisher.send(tap, 0);
    publisher.send(tap, 1);
    await slot.show(await preparing, forever);
    const preferred = () => calls.filter((call) => call.startsWith('prefer')).map((call) => call.slice(-1));
    expect(preferred()).toEqual(['0']);
    // The picture turns smaller, then larger than the grant allows.
    publisher.resize([180, 360]);
    publisher.send(tap, 1);
    expect(preferred()).toEqual(['0', '1']);
    publisher.resize([720, 1440]);
    publisher.send(tap, 1);
    expect([preferred(), told]).toEqual([['0', '1', '0'], []]);
    publisher.send(tap, 0);
    expect(told).toEqual(['refused']);
    await slot.show(undefined, forever);
    expect([tap.ended, clock.timers()]).toEqual(['closed', []]);
    // What is known to be too large by now is told at once to those who come.
    const again = slot.prepare(publisher.handle, { maxLines: 400 });
    await settle();
    publisher.send(routers.taps[1]!, 0);
    publisher.send(routers.taps[1]!, 1);
    await expect(again).rejects.toMatchObject({
      code: 'WATCH_REFUSED',
      message: 'this grant is for at most 400 lines, and the lowest layer of the camera has 720 lines',
    });
    expect(routers.taps[1]!.ended).toBe('closed');
  });

  it('shows nothing whose size nobody knows to a viewer with such a limit', async () => {
    const { clock, routers, slot } = start();
    const silent = slot.prepare(simulcast([360]).handle, { maxLines: 400 });
    const refused = expect(silent).rejects.toMatchObject({
      code: 'WATCH_REFUSED',
      message: 'this grant is for at most 400 lines, and the lowest layer of the camera has a size that nobody knows',
    });
    await clock.advance(2001);
    await refused;
    expect([routers.taps.map(({ ended }) => ended), clock.timers()]).toEqual([['closed'], []]);
    // The layers of SVC share one stream.
    const svc = { ...handleOf('svc'), rtpParameters: { codecs: [], encodings: [{ scalabilityMode: 'L3T3' }] } };
    await expect(slot.prepare(svc, { maxLines: 400 })).rejects.toMatchObject({ code: 'WATCH_REFUSED' });
    expect(routers.taps).toHaveLength(1);
    routers.refusals.push(new EddyError('WEBRTC_HANDLE_GONE', 'it has ended'));
    await expect(slot.prepare(simulcast([360]).handle, { maxLines: 400 })).rejects.toMatchObject({
      code: 'WEBRTC_HANDLE_GONE',
    });
  });

  it('holds a viewer to a bit rate by what the layers have on average', async () => {
    const { clock, routers, slot, told, calls } = start();
    let rates = [300_000, 1_000_000];
    let busy = false;
    routers.figures = () => {
      if (busy) throw new Error('no answer');
      return ['l', 'h'].map((rid, layer) => ({ ...FIGURE, rid, bitrate: rates[layer]! }));
    };
    const limits = { maxBitrate: 900_000 };
    await slot.show(await slot.prepare(handleOf('two', 'video', ['l', 'h']), limits), forever);
    const preferred = () => calls.filter((call) => call.startsWith('prefer')).map((call) => call.slice(-1));
    expect(preferred()).toEqual(['1']);
    // A burst of one look is none; what stays is.
    rates = [300_000, 1_200_000];
    await clock.advance(2001);
    expect(preferred()).toEqual(['1']);
    await clock.advance(6000);
    expect(preferred()).toEqual(['1', '0']);
    rates = [2_000_000, 4_000_000];
    busy = true;
    await clock.advance(6000);
    expect(told).toEqual([]);
    busy = false;
    await clock.advance(10_000);
    expect(told).toEqual(['refused']);
    await slot.show(undefined, forever);
    expect(clock.timers()).toEqual([]);
    rates = [2_000_000, 4_000_000];
    await expect(slot.prepare(handleOf('two', 'video', ['l', 'h']), limits)).rejects.toMatchObject({
      message: 'this grant is for at most 900000 bit/s, and the lowest layer of the camera has 2000000 bit/s',
    });
    // The sizes of a ladder are known, and both limits hold.
    const ladder = { ...handleOf('three', 'video', ['l', 'h']), lines: [360, 720] };
    rates = [800_000, 900_000];
    expect((await slot.prepare(ladder, { ...limits, maxLines: 500 })).quality.top()).toBe(0);
    rates = [1_800_000, 1_900_000];
    await expect(slot.prepare({ ...ladder, producerId: 'four' }, { ...limits, maxLines: 200 })).rejects.toMatchObject({
      message:
        'this grant is for at most 200 lines and 900000 bit/s, and the lowest layer of the camera has 360 lines and 1800000 bit/s',
    });
  });

  it('taps a publisher once for all its viewers, who are refused when that ends with its worker', async () => {
    const { routers, slot, told } = start();
    const publisher = simulcast([360]);
    const preparing = [
      slot.prepare(publisher.handle, { maxLines: 400 }),
      slot.prepare(publisher.handle, { maxLines: 500 }),
    ];
    await settle();
    publisher.send(routers.taps[0]!, 0);
    const [first, second] = await Promise.all(preparing);
    expect(routers.taps).toHaveLength(1);
    await slot.show(first, forever);
    second!.consumer.close();
    expect(routers.taps[0]!.ended).toBeUndefined();
    routers.taps[0]!.end('worker-died');
    expect(told).toEqual(['refused']);
  });

  it('forgets what has closed, and tells nothing of what it shows no more', async () => {
    const { clock, transport, slot, show, told } = start('audio');
    await show('one');
    await clock.advance(1000);
    await show('two');
    transport.consumers[0]!.tell({ type: 'closed', cause: 'closed' });
    expect(told).toEqual([]);
    transport.consumers[1]!.tell({ type: 'closed', cause: 'producer-closed' });
    expect(told).toEqual(['closed']);
    expect(slot.handle).toBeUndefined();
    await slot.show(undefined, forever);
  });
});

describe('layers', () => {
  const simulcast = handleOf('p', 'video', ['q', 'h', 'f']);
  const svc = { ...simulcast, rtpParameters: { codecs: [], encodings: [{ scalabilityMode: 'L3T2' }] } };

  it('are those of simulcast by name, and those of SVC by number', () => {
    expect([layerCount(simulcast), layerCount(svc), layerCount(handleOf('p'))]).toEqual([3, 3, 1]);
    expect(describeLayers(simulcast, [{ ...FIGURE, rid: 'h', bitrate: 400_123.4 }])).toEqual([
      { rid: 'q', encodingId: 'q', spatialLayerId: 0 },
      { rid: 'h', encodingId: 'h', spatialLayerId: 1, bitrate: 400_123 },
      { rid: 'f', encodingId: 'f', spatialLayerId: 2 },
    ]);
    expect(describeLayers(svc, []).map(({ encodingId }) => encodingId)).toEqual(['0', '1', '2']);
  });

  it.each([
    [{}, undefined],
    [{ mediaId: '0' }, undefined],
    [{ rid: 'h' }, { spatial: 1 }],
    [
      { encodingId: 'q', temporalLayerId: 1 },
      { spatial: 0, temporal: 1 },
    ],
    [{ maxSpatialLayerId: 7 }, { spatial: 2 }],
    [{ maxTemporalLayerId: 0 }, { spatial: 2, temporal: 0 }],
  ])('%o is %o', (body, cap) => {
    expect(chooseLayer(body, simulcast)).toEqual({ cap });
  });

  it.each([{ rid: 'x' }, { spatialLayerId: 3 }, { spatialLayerId: 1.5 }, { temporalLayerId: '1' }])(
    '%o is refused',
    (body) => {
      expect(chooseLayer(body, simulcast)).toHaveProperty('unknown');
    },
  );
});

describe('event streams', () => {
  const start = (initial: readonly (readonly ['active' | 'viewercount', unknown])[] = []) => {
    const clock = new VirtualClock();
    const events = new EventStreams(clock, () => initial);
    return { clock, events };
  };
  const take = async (stream: AsyncIterator<string>, count: number): Promise<string[]> => {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) texts.push((await stream.next()).value as string);
    return texts;
  };

  it('tell what was asked for, the present first', async () => {
    const { events } = start([
      ['active', {}],
      ['viewercount', { viewercount: 2 }],
    ]);
    const id = events.create(['viewercount', 'reconnect'])!;
    events.tell('layers', {});
    events.tell('reconnect', { url: '/a' });
    const stream = events.read(id, forever)![Symbol.asyncIterator]();
    expect(await take(stream, 3)).toEqual([
      ':\n\n',
      'event: viewercount\ndata: {"viewercount":2}\n\n',
      'event: reconnect\ndata: {"url":"/a"}\n\n',
    ]);
    await stream.return?.(undefined);
  });

  it('keep so many events for who does not read, and so many streams', async () => {
    const { events } = start();
    const id = events.create()!;
    for (let i = 0; i < 1000; i++) events.tell('viewercount', { viewercount: i });
    const stream = events.read(id, forever)![Symbol.asyncIterator]();
    expect((await take(stream, 2))[1]).toContain('936');
    await stream.return?.(undefined);
    expect(Array.from({ length: 20 }, () => events.create()).filter(Boolean)).toHaveLength(7);
  });

  it('end with their session, after the last word; nothing is left', async () => {
    const { clock, events } = start();
    const id = events.create()!;
    const stream = events.read(id, forever)![Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next();
    events.tell('reconnect', {});
    events.end();
    expect((await next).value).toContain('event: reconnect');
    expect((await stream.next()).done).toBe(true);
    expect(events.read(id, forever)).toBeUndefined();
    expect(events.create()).toBeUndefined();
    expect(clock.timers()).toEqual([]);
  });

  it('say something every 15 s, and end when their reader leaves', async () => {
    const { clock, events } = start();
    const left = new AbortController();
    const stream = events.read(events.create()!, left.signal)![Symbol.asyncIterator]();
    await stream.next();
    const beat = stream.next();
    await clock.advance(15_001);
    expect((await beat).value).toBe(':\n\n');
    const last = stream.next();
    left.abort();
    expect((await last).done).toBe(true);
    expect(clock.timers()).toEqual([]);
  });
});
