/** The entry of a thread that has the file open. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SegmentRef } from '../../shared/segment-id.ts';
import type { Calls, FromThread, ThreadData, ToThread, Write } from '../protocol.ts';
import { openToRead, openToWrite, threadError, type Db } from './database.ts';
import { Reader } from './reader.ts';
import { Writer, type Reply } from './writer.ts';

const port = parentPort!;
const say = (message: FromThread): void => port.postMessage(message);
const reply = (id: number): Reply => ({
  value: (value) => say({ kind: 'answer', id, value }),
  error: (error) => say({ kind: 'refusal', id, error }),
});

type Call = Extract<ToThread, { kind: 'call' }>;

interface Served {
  call(message: Call): void;
  close(): Promise<void> | void;
}

function serveWrites(db: Db): Served {
  const writer = new Writer(db);
  return {
    call: ({ id, call, args }) => {
      if (call === 'delete') writer.delete(args[0] as SegmentRef[], reply(id));
      else writer.write({ call, args } as unknown as Write, reply(id));
    },
    close: async () => {
      await writer.drain();
      db.close();
    },
  };
}

function answer(reader: Reader, call: keyof Calls, args: unknown[]): unknown {
  switch (call) {
    case 'range':
      return reader.range(...(args as Calls['range']['args']));
    case 'latest':
      return reader.latest(...(args as Calls['latest']['args']));
    case 'stretches':
      return reader.stretches(...(args as Calls['stretches']['args']));
    case 'cameras':
      return reader.cameras();
    default:
      throw new TypeError(`"${call}" is no call of a reader`);
  }
}

function serveReads(db: Db): Served {
  const reader = new Reader(db);
  return {
    call: ({ id, call, args }) => {
      try {
        reply(id).value(answer(reader, call, args));
      } catch (error) {
        reply(id).error(threadError(error));
      }
    },
    close: () => void db.close(),
  };
}

const { role, file } = workerData as ThreadData;
try {
  const served = role === 'writer' ? serveWrites(openToWrite(file)) : serveReads(openToRead(file));
  port.on('message', (message: ToThread) => {
    if (message.kind === 'call') return served.call(message);
    void Promise.resolve(served.close()).then(() => port.close());
  });
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'failed', error: threadError(error) });
  port.close();
}
