/** The child's side of a host: one launch, run until it is killed. Imports nothing of the core at run time. */
import type { GenerateRaw, HostGenerator, HostMonitor, Json, ParentLink } from 'eddy/plugin';
import type { HostMessage, HostRequest } from '../control.ts';
import { listen } from './monitor.ts';
import { load, Refusal, RunningLaunch } from './running-launch.ts';

/** Run by the parent process once the child is up. */
export function main(parent: ParentLink): void {
  const addon = load();
  const tell = (message: HostMessage): void => parent.send({ ...message });
  let running: RunningLaunch | undefined;

  async function launch(
    description: string,
    generator: HostGenerator | null,
    monitor: HostMonitor | null,
  ): Promise<void> {
    running = new RunningLaunch(addon, description, (message) => {
      if (message.type === 'eos') tell({ event: 'eos' });
      if (message.type === 'error') {
        tell({ event: 'error', element: message._src_element_name, message: message.message ?? 'no message' });
      }
    });
    if (generator) await generate(running, generator);
    if (monitor) await listen(running, monitor);
  }

  function launched(): RunningLaunch {
    if (!running) throw new Refusal('LAUNCH_INVALID', 'no launch runs here');
    return running;
  }

  parent.onRequest(async (body): Promise<Json> => {
    const request = body as HostRequest;
    switch (request.op) {
      case 'launch':
        await launch(request.launch, request.generator, request.monitor);
        return null;
      case 'key':
        launched().forceKeyFrames(request.elements);
        return null;
      case 'set':
        launched().set(request.element, request.property, request.value);
        return null;
      case 'eos':
        running?.endOfStream();
        return null;
    }
  });
}

async function generate(running: RunningLaunch, { module, options, sources }: HostGenerator): Promise<void> {
  const { generate } = (await import(module)) as { generate: GenerateRaw };
  const ends = new Map(Object.keys(sources).map((name) => [name, running.find(`eddy_src_${name}`)]));
  const time = Buffer.alloc(8);
  generate(options, (source, data, pts) => {
    time.writeBigUInt64BE(BigInt(Math.round(pts)));
    ends.get(source)!.push(data, time);
  });
}
