/** What every provider of ObjectStore must do. Call it from a test file with a way to start one. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listAll, type ObjectStore } from '../../core/contracts/index.ts';

/** A started, empty store. */
export interface StartedStore {
  readonly store: ObjectStore;
  stop(): Promise<void>;
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const read = async (store: ObjectStore, key: string): Promise<string> => Buffer.from(await store.get(key)).toString();

/** Bytes of which no two stretches are alike, so that a part in the wrong place is seen. */
function patterned(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = 2463534242;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

const NO_KEYS = [
  ...['', '/', '/a', 'a/', 'a//b', '.', '..', './a', '../a', 'a/..', 'a/./b', 'a/../../etc/passwd'],
  ...['a b', 'a\\b', 'a\u0000b', 'a\n', 'a%2fb', 'ä', '~tmp/a', 'C:/a', 'x'.repeat(256)],
  Array(33).fill('x'.repeat(15)).join('/') + 'y',
];

/** The suite. `large`: how many bytes a large object has; over the size from which a store splits it. */
export function objectStoreContract(name: string, start: () => Promise<StartedStore>, large = 3_000_001): void {
  describe(`${name} keeps the contract ObjectStore`, () => {
    let started: StartedStore;
    let store: ObjectStore;
    beforeEach(async () => {
      started = await start();
      store = started.store;
    });
    afterEach(() => started.stop());

    it('gives back what was put', async () => {
      await store.put('cam1/video/1.m4s', text('one'), { contentType: 'video/mp4', cacheControl: 'max-age=60' });
      expect(await read(store, 'cam1/video/1.m4s')).toBe('one');
    });

    it('holds an empty object', async () => {
      await store.put('empty', new Uint8Array());
      expect(await store.get('empty')).toHaveLength(0);
      expect(await store.head('empty')).toMatchObject({ bytes: 0 });
    });

    it('stores the view that it is given, not the buffer behind it', async () => {
      await store.put('view', text('0123456789').subarray(3, 6));
      expect(await read(store, 'view')).toBe('345');
    });

    it('holds a large object, whole and in ranges', async () => {
      const data = patterned(large);
      await store.put('large', data);
      expect(Buffer.compare(await store.get('large'), data)).toBe(0);
      const range = { start: large - 100_001, end: large - 1 };
      expect(Buffer.compare(await store.get('large', range), data.subarray(range.start, range.end))).toBe(0);
    });

    it('gives a range, cut to what there is', async () => {
      await store.put('a', text('0123456789'));
      const range = async (from: number, to: number) =>
        Buffer.from(await store.get('a', { start: from, end: to })).toString();
      expect(await range(0, 1)).toBe('0');
      expect(await range(2, 5)).toBe('234');
      expect(await range(7, 1000)).toBe('789');
      expect(await range(10, 20)).toBe('');
      expect(await range(500, 600)).toBe('');
      expect(await range(4, 4)).toBe('');
    });

    it('tells what is not there', async () => {
      await expect(store.get('missing')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
      await expect(store.get('missing', { start: 3, end: 3 })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
      expect(await store.head('missing')).toBeUndefined();
      await store.put('folder/a', text('a'));
      expect(await store.head('folder')).toBeUndefined();
      await expect(store.get('folder')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
      await expect(store.get('folder/a/b')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
      expect(await store.list('nothing/')).toEqual([]);
    });

    it('tells size and time', async () => {
      await store.put('a/b', text('12345'));
      const found = await store.head('a/b');
      expect(found).toEqual({ key: 'a/b', bytes: 5, storedAt: expect.any(Number) });
      expect(await store.list('a/')).toEqual([found]);
    });

    it('refuses a second put of a key, and keeps the first', async () => {
      await store.put('a', text('first'));
      await expect(store.put('a', text('second'))).rejects.toMatchObject({ code: 'STORE_EXISTS' });
      expect(await read(store, 'a')).toBe('first');
    });

    it('overwrites where that is asked for', async () => {
      await store.put('live.m3u8', text('longer than the next'), { overwrite: true });
      await store.put('live.m3u8', text('next'), { overwrite: true });
      expect(await read(store, 'live.m3u8')).toBe('next');
    });

    it('takes one of several puts of a key at once', async () => {
      const puts = await Promise.allSettled(['x', 'y', 'z'].map((each) => store.put('once', text(each.repeat(1000)))));
      const refused = puts.filter((put) => put.status === 'rejected');
      expect(refused.map(({ reason }) => reason.code)).toEqual(['STORE_EXISTS', 'STORE_EXISTS']);
      expect(await read(store, 'once')).toMatch(/^(x{1000}|y{1000}|z{1000})$/);
    });

    it.each(NO_KEYS.map((key) => [key]))('refuses the key %j everywhere', async (key) => {
      const refusal = { code: 'STORE_KEY_INVALID' };
      await expect(store.put(key, text('x'))).rejects.toMatchObject(refusal);
      await expect(store.get(key)).rejects.toMatchObject(refusal);
      await expect(store.head(key)).rejects.toMatchObject(refusal);
      await expect(store.delete([key])).rejects.toMatchObject(refusal);
      expect(await store.list('')).toEqual([]);
    });

    it('takes every sort of key', async () => {
      const keys = ['A', 'a', 'a.b', '..a', 'a..', '-', '_', '.hidden', `${'x'.repeat(255)}/${'y'.repeat(254)}`];
      for (const key of keys) await store.put(key, text(key));
      for (const key of keys) expect(await read(store, key)).toBe(key);
      expect((await store.list('')).map(({ key }) => key)).toEqual([...keys].sort());
    });

    it('lists by prefix in byte order, folders among files', async () => {
      const keys = ['a-b', 'a.b', 'a/0', 'a/B', 'a/b/c', 'a/b.c', 'a0', 'ab/c', 'b'];
      for (const key of [...keys].reverse()) await store.put(key, text(key));
      const list = async (prefix: string) => (await store.list(prefix)).map(({ key }) => key);
      expect(await list('')).toEqual([...keys].sort());
      expect(await list('a/')).toEqual(['a/0', 'a/B', 'a/b.c', 'a/b/c']);
      expect(await list('a/b')).toEqual(['a/b.c', 'a/b/c']);
      expect(await list('a')).toEqual([...keys].sort().slice(0, -1));
      expect(await list('../')).toEqual([]);
    });

    it('lists page by page', async () => {
      const keys = ['a/1', 'a/2', 'a/3/x', 'a/3/y', 'a/4', 'b/1'];
      for (const key of keys) await store.put(key, text(key));
      const list = async (after: string, limit: number) =>
        (await store.list('a/', { after, limit })).map(({ key }) => key);
      expect(await list('', 2)).toEqual(['a/1', 'a/2']);
      expect(await list('a/2', 2)).toEqual(['a/3/x', 'a/3/y']);
      expect(await list('a/3/x', 10)).toEqual(['a/3/y', 'a/4']);
      expect(await list('a/3', 1)).toEqual(['a/3/x']);
      expect(await list('a/4', 10)).toEqual([]);
      const all: string[] = [];
      for await (const { key } of listAll(store, '')) all.push(key);
      expect(all).toEqual(keys);
    });

    it('deletes, also what is not there', async () => {
      for (const key of ['a/1', 'a/2', 'b']) await store.put(key, text(key));
      await store.delete(['a/1', 'never/was', 'b']);
      await store.delete([]);
      await store.delete(['a/1']);
      expect((await store.list('')).map(({ key }) => key)).toEqual(['a/2']);
      await store.put('a/1', text('again'));
      expect(await read(store, 'a/1')).toBe('again');
    });

    it('gives up when told, and leaves the object whole or not at all', async () => {
      const reason = new Error('enough');
      await expect(store.put('before', text('x'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(await store.head('before')).toBeUndefined();
      const data = patterned(large);
      for (const [index, delay] of [0, 1, 5].entries()) {
        const abort = new AbortController();
        const put = store.put(`during/${index}`, data, { signal: abort.signal }).then(
          () => 'stored',
          (error) => error,
        );
        await new Promise((resolve) => setTimeout(resolve, delay));
        abort.abort(reason);
        expect([reason, 'stored']).toContain(await put);
        const found = await store.head(`during/${index}`);
        if (found) expect(found.bytes).toBe(large);
      }
    });

    it('works on many at once', async () => {
      const keys = Array.from({ length: 60 }, (_, index) => `many/${index % 7}/${index}`);
      await Promise.all(keys.map((key) => store.put(key, text(key))));
      expect(await Promise.all(keys.map((key) => read(store, key)))).toEqual(keys);
      expect(await store.list('many/')).toHaveLength(60);
      await store.delete(keys);
      expect(await store.list('')).toEqual([]);
    });
  });
}
