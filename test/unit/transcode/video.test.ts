import { describe, it } from 'vitest';
import { conformance, FakeMediaHosts, type FakeMediaHost } from 'eddy/testing';
import type { VideoCaps } from 'eddy/plugin';
import plugin from '../../../plugins/transcode/video/plugin.ts';

/** Answers each frame that comes in with one of every rung, as an encoder without delay. */
function encode(host: FakeMediaHost): void {
  const input = host.launch.inputs![0]!.caps as VideoCaps;
  const caps: VideoCaps = { ...input, codec: 'h264', timescale: 90_000, bFrames: false };
  host.onWrite((_input, unit) => {
    for (const { name } of host.launch.outputs ?? []) void host.emit(name, caps, unit);
  });
}

/** Hosts that encode. */
function encoders(): FakeMediaHosts {
  const hosts = new FakeMediaHosts();
  hosts.script(encode);
  return hosts;
}

describe.each([
  ['with the source as its top rung', { rungs: 'auto' }],
  ['with every rung encoded', { rungs: ['360p', '180p'], passthrough: 'never' }],
])('transcode.video conforms %s', (_what, written) => {
  for (const check of conformance(plugin, { config: written, services: () => ({ hosts: encoders() }) })) {
    it(check.name, check.run);
  }
});
