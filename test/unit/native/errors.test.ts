import { afterEach, describe, expect, it, vi } from 'vitest';
import { ChildRefusal, EddyError, type ChildEnd } from 'eddy/plugin';
import { create } from '../../../plugins/native/gstreamer/gstreamer.ts';
import { hostEnd, startError } from '../../../plugins/native/gstreamer/media-host.ts';
import { manifest } from '../../../plugins/native/gstreamer/plugin.ts';
import { fakeContext } from './fake-context.ts';

const end = (more: Partial<ChildEnd>): ChildEnd => ({
  cause: 'crashed',
  exitCode: null,
  signal: null,
  lines: [],
  ...more,
});

describe('a start that failed', () => {
  const spawnFailed = (reason?: string) => new EddyError('PROCESS_SPAWN_FAILED', 'no', { details: { reason } });
  const died = new EddyError('PROCESS_DIED', 'gone');

  it.each([
    [
      'ELEMENT_MISSING',
      new ChildRefusal({ code: 'ELEMENT_MISSING', message: 'no x264enc', details: { element: 'x264enc' } }),
      'closed',
    ],
    ['LAUNCH_INVALID', new ChildRefusal({ code: 'LAUNCH_INVALID', message: 'syntax' }), 'closed'],
    ['GSTREAMER_MISSING', spawnFailed('ADDON_MISSING'), 'closed'],
    ['HOST_CRASHED', spawnFailed(), 'crashed'],
    ['HOST_CRASHED', died, 'crashed'],
    ['HOST_STALLED', died, 'stalled'],
  ] as const)('is told as %s, a code of the manifest', (code, error, cause) => {
    const told = startError('cam', error, end({ cause }));
    expect(told.code).toBe(`native.gstreamer/${code}`);
    expect(told.message).toBe(`host "cam": ${error.message}`);
    expect(told.details).toEqual(error.details);
    expect(manifest.errors).toHaveProperty(code);
    expect(told.kind).toBe(manifest.errors[code]!.kind);
  });

  it('by the stop of the service keeps its code', () => {
    const stopped = new EddyError('SERVICE_RESTARTING', 'stopped');
    expect(startError('cam', stopped)).toBe(stopped);
  });
});

describe('an end', () => {
  it('says how, with the last lines', () => {
    expect(hostEnd(end({ signal: 'SIGSEGV', lines: ['a', 'b', 'c', 'd'] }))).toEqual({
      cause: 'crashed',
      code: 'native.gstreamer/HOST_CRASHED',
      message: 'the process ended by SIGSEGV; it said: b | c | d',
    });
    expect(hostEnd(end({ cause: 'exited', exitCode: 0 }))).toMatchObject({
      cause: 'crashed',
      message: 'the process ended with code 0',
    });
    expect(hostEnd(end({ cause: 'stalled' }))).toMatchObject({
      cause: 'stalled',
      code: 'native.gstreamer/HOST_STALLED',
    });
    expect(hostEnd(end({ cause: 'closed' }))).toEqual({ cause: 'closed' });
  });
});

describe('the probe for elements', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('says that GStreamer is missing, and looks again once it is there', async () => {
    const { hosts } = create(fakeContext(manifest).context).services;
    vi.stubEnv('PATH', '/nowhere');
    await expect(hosts.hasElement('x264enc')).rejects.toMatchObject({
      code: 'native.gstreamer/GSTREAMER_MISSING',
      kind: 'resource',
    });
    vi.unstubAllEnvs();
    expect(await hosts.hasElement('fdsink')).toBe(true);
  });
});
