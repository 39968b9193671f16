import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeObjectStore } from '../../core/testing/index.ts';
import { FileStore } from '../../plugins/store/filesystem/file-store.ts';
import { objectStoreContract } from './object-store.ts';

objectStoreContract('FakeObjectStore', async () => ({ store: new FakeObjectStore(), stop: async () => {} }));

objectStoreContract('store.filesystem', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'eddy-store-'));
  const store = new FileStore(dir, { concurrency: 8 });
  await store.open();
  return { store, stop: () => rm(dir, { recursive: true }) };
});
