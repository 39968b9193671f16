/** JavaScript that listens to raw media of a launch, in the child. */
import type { HostMonitor, MonitorRaw } from 'eddy/plugin';
import { elementOf } from '../launch.ts';
import type { RunningLaunch } from './running-launch.ts';

/** Calls the module's `monitor` with every raw buffer at its tap, until there is none any more. */
export async function listen(running: RunningLaunch, { module, options, tap }: HostMonitor): Promise<void> {
  const { monitor } = (await import(module)) as { monitor: MonitorRaw };
  const end = running.find(elementOf('tap', tap));
  const take = monitor(options, (element, property, value) => running.set(element, property, value));
  const next = (): void =>
    end.pull((data) => {
      if (data === null) return;
      take(data);
      next();
    });
  next();
}
