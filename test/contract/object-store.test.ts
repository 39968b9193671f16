import { FakeObjectStore } from '../../core/testing/index.ts';
import { objectStoreContract } from './object-store.ts';

objectStoreContract('FakeObjectStore', async () => ({ store: new FakeObjectStore(), stop: async () => {} }));
