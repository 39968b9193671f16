/**
 * The child's side of a shared host: launches side by side, each on the pipe of its slot. A slot whose launch came to its
 * end is ready for the next one. Imports nothing of the core at run time.
 */
import { write } from 'node:fs';
import type { HostMonitor, Json, ParentLink } from 'eddy/plugin';
import { slotPipe, type SharedMessage, type SharedRequest } from '../control.ts';
import { gdpEnd } from '../gdp.ts';
import { listen } from './monitor.ts';
import { load, Refusal, RunningLaunch } from './running-launch.ts';

/** A pipe that is full is tried again after so many ms. */
const RETRY_MS = 20;

/** Run by the parent process once the child is up. */
export function main(parent: ParentLink): void {
  const addon = load();
  const launches = new Map<number, RunningLaunch>();

  async function launch(slot: number, description: string, monitor: HostMonitor | null): Promise<void> {
    const running = new RunningLaunch(addon, description, (message) => {
      if (message.type !== 'eos' && message.type !== 'error') return;
      running.stop();
      launches.delete(slot);
      // All elements have stopped: nothing follows this in the pipe, and nothing of this launch reads from it any more.
      if (message.type === 'eos') return writeEnd(parent.pipes[slotPipe(slot)]!);
      const text = message.message ?? 'no message';
      parent.send({ event: 'error', slot, element: message._src_element_name, message: text } satisfies SharedMessage);
    });
    launches.set(slot, running);
    if (monitor) await listen(running, monitor);
  }

  parent.onRequest(async (body): Promise<Json> => {
    const request = body as SharedRequest;
    const running = launches.get(request.slot);
    if (request.op === 'launch') await launch(request.slot, request.launch, request.monitor);
    else if (request.op === 'eos') running?.endOfStream();
    else if (!running) throw new Refusal('PROPERTY_UNKNOWN', 'the launch has ended');
    else if (request.op === 'key') running.forceKeyFrames(request.elements);
    else running.set(request.element, request.property, request.value);
    return null;
  });
}

/** In a thread of the pool, since a parent that does not read just now would hold up all launches. */
function writeEnd(fd: number): void {
  write(fd, gdpEnd(), (error) => {
    if (error?.code === 'EAGAIN') setTimeout(() => writeEnd(fd), RETRY_MS);
  });
}
