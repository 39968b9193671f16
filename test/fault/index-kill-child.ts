/** Adds segments one after another and prints the number of each once it is acknowledged, until it is killed. */
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { indexedSegment } from '../support/segments.ts';

const [file = '', first = '0'] = process.argv.slice(2);
const fail = (error: unknown): never => {
  throw error;
};
const index = await SqliteIndex.open(file, { onCrash: fail, onWatcherError: fail });
for (let number = Number(first); ; number += 4) {
  const numbers = [0, 1, 2, 3].map((nth) => number + nth);
  await Promise.all(
    numbers.map(async (one) => {
      await index.add([indexedSegment(one)]);
      process.stdout.write(`${one}\n`);
    }),
  );
}
