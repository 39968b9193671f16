import { create } from '../../plugins/native/gstreamer/gstreamer.ts';
import { manifest } from '../../plugins/native/gstreamer/plugin.ts';
import { fakeContext } from '../unit/native/fake-context.ts';
import { mediaHostsContract } from './media-hosts.ts';

mediaHostsContract('native.gstreamer', async () => {
  const fake = fakeContext(manifest);
  const running = create(fake.context);
  return {
    hosts: running.services.hosts,
    stop: async () => {
      await running.stop?.();
      await fake.close();
    },
  };
});
