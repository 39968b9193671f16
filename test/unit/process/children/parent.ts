/** A parent for tests, itself a process that can be killed: starts one child and prints its pid. */
import { siblingModule, spawnChild } from '../../../../core/process/index.ts';

const child = await spawnChild({ label: 'orphan', entry: siblingModule('./plain', import.meta.url) });
process.stdout.write(`${child.pid}\n`);
