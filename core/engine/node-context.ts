/** Makes what a plugin's `create` is given. */
import { EddyError } from '../errors/index.ts';
import type { CheckedNode } from '../graph/checked.ts';
import type { Contract } from '../contracts/index.ts';
import type { CameraId } from '../model/index.ts';
import type { Context, Events, PipelineView, Report } from '../plugin/index.ts';
import { contractOf } from '../plugin/registry.ts';
import { scopedClock } from './clock.ts';
import type { Container } from './container.ts';
import type { RunningNode } from './node.ts';

/** What a context needs of the pipeline beside its components. */
export interface ContextHost {
  readonly container: Container;
  readonly view: PipelineView;
  readonly baseDir: string;
  /** False where it was told before. */
  report(report: Report, stage: string): boolean;
  fail(node: RunningNode, error: unknown): void;
}

/** The context of one start of a node. */
export function nodeContext(node: RunningNode, host: ContextHost): Context {
  const { container } = host;
  const cameras = container.get('cameras');
  const sessions = container.get('sessions');
  const { name } = node.spec;
  const log = container.get('log').child({ stage: name }, node.spec.log);
  return {
    name,
    config: node.spec.config,
    services: services(node.spec, container) as never,
    cameras: {
      publish: (request) => cameras.publish(request, node),
      list: () => cameras.list(),
      get: (cameraId: CameraId) => cameras.get(cameraId),
    },
    sessions: {
      open: (request) => sessions.open(request, name),
      check: (request) => sessions.check(request, name),
      list: () => sessions.list(),
      end: (id) => sessions.end(id),
      invite: (cameraId, grant) => sessions.invite(cameraId, grant),
      revoke: (userId, ms) => sessions.revoke(userId, ms),
      unrevoke: (userId) => sessions.unrevoke(userId),
      revocations: () => sessions.revocations(),
      get carry() {
        return sessions.carry;
      },
      administer: (request) => sessions.administer(request, name),
    },
    log,
    clock: scopedClock(container.get('clock'), node.scope),
    metrics: container.get('metrics').for({ stage: name }),
    events: nodeEvents(container.get('events').forStage(name), node),
    scope: node.scope,
    pipeline: host.view,
    baseDir: host.baseDir,
    report: (report) => {
      const camera = report.cameraId === undefined ? {} : { camera: report.cameraId };
      if (host.report(report, name)) log.warn({ code: report.code, ...camera }, report.message);
    },
    fail: (error) => host.fail(node, error),
  };
}

/** Listeners end with the scope, so that a plugin cannot leave one behind. */
function nodeEvents(events: Events, { spec, scope }: RunningNode): Events {
  const { name, events: declared } = spec.plugin.manifest;
  return {
    emit: (event) => {
      // For plugins in plain JavaScript; the others are held to their manifest by the compiler.
      if (!Object.hasOwn(declared, event.type))
        throw new TypeError(`the manifest of "${name}" does not declare the event "${event.type}"`);
      events.emit(event);
    },
    on: (listener) => {
      const stop = events.on(listener);
      const forget = scope.add(stop);
      return () => {
        forget();
        stop();
      };
    },
  };
}

function services(spec: CheckedNode, container: Container): Readonly<Record<string, unknown>> {
  const handleOf = (contract: Contract<unknown>, key: string): unknown => {
    const provider = spec.uses[key];
    return provider === undefined ? undefined : container.handle(contract, provider);
  };
  const bound: Record<string, unknown> = {};
  for (const [need, wanted] of Object.entries(spec.plugin.manifest.needs)) {
    const { contract, optional, several } = contractOf(wanted);
    const keys = Object.keys(spec.uses).filter((key) => key.startsWith(`${need}[`));
    const handles = several ? keys.map((key) => handleOf(contract, key)) : [handleOf(contract, need)];
    if (!optional && (handles.length === 0 || handles.includes(undefined))) {
      throw new EddyError('INTERNAL', `"${spec.name}" needs ${contract.name}, and the checked graph binds none`);
    }
    bound[need] = several ? handles : handles[0];
  }
  return bound;
}
