import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findWorkerBinary } from '../../../plugins/webrtc/workers/binary.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'eddy-worker-'))));
afterEach(() => rm(folder, { recursive: true }));

const expected = (): { version: string; recipe: string; path: string } => ({
  version: '3.27.1',
  recipe: 'abc',
  path: join(folder, 'mediasoup-worker'),
});
const find = (more: Partial<Parameters<typeof findWorkerBinary>[0]> = {}): Promise<string> =>
  findWorkerBinary({ baseDir: folder, env: {}, locate: async () => expected(), ...more });

async function build(stamp: unknown, name = 'mediasoup-worker'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  if (stamp !== undefined) await writeFile(join(folder, 'stamp.json'), JSON.stringify(stamp));
  return path;
}
const OURS = { mediasoup: '3.27.1', recipe: 'abc' };

describe('the SFU worker that is run', () => {
  it('is the one of the set-up, or the one that is named, the configuration before the environment', async () => {
    const path = await build(OURS);
    expect(await find()).toBe(path);
    const named = await build(OURS, 'mine');
    expect(await find({ env: { MEDIASOUP_WORKER_BIN: named } })).toBe(named);
    expect(await find({ configured: './mine', env: { MEDIASOUP_WORKER_BIN: '/nowhere' } })).toBe(named);
    expect(await find({ env: { MEDIASOUP_WORKER_BIN: '' } })).toBe(path);
  });

  it('is missed with the mend when nothing is installed or built', async () => {
    await expect(find({ locate: async () => undefined })).rejects.toMatchObject({ code: 'WEBRTC_MEDIASOUP_MISSING' });
    await expect(find()).rejects.toMatchObject({ code: 'WEBRTC_WORKER_MISSING' });
    const path = await build(OURS);
    await chmod(path, 0o644);
    await expect(find({ configured: path })).rejects.toMatchObject({ code: 'WEBRTC_WORKER_MISSING' });
  });

  it.each([
    ['has no stamp', undefined, /stamp\.json/],
    ['has a broken stamp', 'text', /undefined/],
    ['is of another mediasoup', { mediasoup: '3.19.0', recipe: 'abc' }, /3\.19\.0.*3\.27\.1/],
    ['has other patches', { mediasoup: '3.27.1', recipe: 'old' }, /old.*abc/],
  ])('is refused, and nothing else taken instead, when it %s', async (_what, stamp, message) => {
    await build(stamp);
    await expect(find()).rejects.toMatchObject({
      code: 'WEBRTC_WORKER_FOREIGN',
      message: expect.stringMatching(message),
    });
  });

  it('is found by the package itself, as the set-up has built it', async () => {
    expect(await findWorkerBinary({ baseDir: '.', env: {} })).toMatch(/mediasoup-worker$/);
  });
});
