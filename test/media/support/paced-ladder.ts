/** A ladder of one camera that sends in real time, while the stage's own clock is the test's: a grace time passes at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { FakeHttpServer, harness, type CapturedTrack, type Harness } from 'eddy/testing';
import type { AccessUnit } from 'eddy/plugin';
import plugin, { type manifest } from '../../../plugins/transcode/video/plugin.ts';
import { isAlive } from '../../contract/media-hosts.ts';
import type { Clip } from '../../support/live-source.ts';
import { startHosts } from './pattern.ts';

/** See the file's head. */
export interface PacedLadder {
  readonly stage: Harness<typeof manifest>;
  /** Processes of hosts that live. */
  hosts(): readonly number[];
  track(id: string): CapturedTrack<'frames'> | undefined;
  items(id: string): readonly AccessUnit[];
  /** When each picture of a track came, real ms. */
  came(id: string): readonly number[];
  /** What the API tells of the camera's first ladder. */
  tell<T>(): Promise<T>;
  close(): Promise<void>;
}

/** Starts it, with the clip over and over. */
export async function startPacedLadder(clip: Clip, config: Readonly<Record<string, unknown>>): Promise<PacedLadder> {
  const native = startHosts();
  const http = new FakeHttpServer();
  const services = { hosts: native.hosts, http };
  // A host that takes long to start, on a busy machine, costs no picture.
  const links = { in: { full: 'block' as const, queue: '2s' } };
  const stage = await harness<typeof manifest>(plugin, { config, services, links });
  const writer = (await stage.camera('cam').publish()).video(clip.video);
  const came = new Map<string, number[]>();
  const began = performance.now();
  let stopped = false;
  const fed = (async () => {
    for (let i = 0; !stopped; i++) {
      const wait = (i * 1000) / clip.fps - (performance.now() - began);
      if (wait > 0) await sleep(wait);
      const { key, data } = clip.pictures[i % clip.pictures.length]!;
      const step = 90_000 / clip.fps;
      writer.write({ dts: i * step, pts: i * step, duration: step, key, data, arrivedAt: Date.now() });
      for (const { id, items } of stage.out.out.tracks('cam')) {
        const times = came.get(id) ?? [];
        while (times.length < items.length) times.push(performance.now());
        came.set(id, times);
      }
    }
  })();
  const track = (id: string) => stage.out.out.tracks('cam').find((each) => each.id === id);
  return {
    stage,
    hosts: () => native.pids().filter(isAlive),
    track,
    items: (id) => track(id)?.items ?? [],
    came: (id) => came.get(id) ?? [],
    tell: async <T>() => {
      const answer = await http.request('/api/v1/cameras/cam/ladders/subject');
      return ((await answer.json()) as { tracks: T[] }).tracks[0]!;
    },
    close: async () => {
      stopped = true;
      await fed;
      await stage.stop();
      await native.stop();
      await stage.close();
      expect(native.pids().filter(isAlive)).toEqual([]);
    },
  };
}
