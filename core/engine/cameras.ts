/**
 * Cameras: the only way in. Validates, asks the authorizer, elects the active publication across all ingests, and
 * opens and closes flows.
 */
import { randomUUID } from 'node:crypto';
import { EddyError } from '../errors/index.ts';
import type { CheckedGraph } from '../graph/checked.ts';
import { CAMERA_ID_PATTERN, parseCameraId, type CameraId, type EndCause, type PublicationId } from '../model/index.ts';
import type {
  CameraStatus,
  Events,
  Logger,
  Publication as PluginPublication,
  PublishRequest,
  Report,
} from '../plugin/index.ts';
import type { Access } from './access.ts';
import { Flow, type FlowHost } from './flow.ts';
import { limitsOf, type RecordingPath } from './limits.ts';
import type { RunningNode } from './node.ts';
import { keepAsking } from './recheck.ts';
import { Publication } from './publication.ts';

/** A camera that went away stays known, so that viewers are told "away" and not "unknown"; the oldest are forgotten. */
const MAX_AWAY = 10_000;
/** Findings kept a camera. */
const MAX_FINDINGS = 50;
/** How long a flow may take to pass on its last items when its camera has gone. */
const FLOW_DRAIN_MS = 5000;

/** What the registry needs of the pipeline. */
export interface CamerasHost extends FlowHost {
  readonly log: Logger;
  readonly events: Events;
  settings(): CheckedGraph['cameras'];
  recordingPath(): RecordingPath;
  readonly access: Access;
  gateOpen(): boolean;
  /** The camera is away: nothing of it need be kept but its name. */
  gone(cameraId: CameraId): void;
}

interface Camera {
  readonly id: CameraId;
  readonly publications: Publication[];
  readonly findings: Map<string, { code: string; stage: string; message: string; at: number; count: number }>;
  flow: Flow | undefined;
  state: CameraStatus['state'];
  since: number;
  cancelLinger: (() => void) | undefined;
  closing: Promise<void> | undefined;
}

/** See the file's head. */
export class CameraRegistry {
  readonly #host: CamerasHost;
  readonly #cameras = new Map<CameraId, Camera>();
  /** Nobody is waited for any more. */
  #stopping = false;

  constructor(host: CamerasHost) {
    this.#host = host;
  }

  async publish(request: PublishRequest, node: RunningNode): Promise<PluginPublication<never>> {
    const cameraId = parseCameraId(request.cameraId);
    if (!cameraId) {
      const shown = String(request.cameraId).slice(0, 80);
      throw new EddyError('CAMERA_ID_INVALID', `"${shown}" is not a camera name: it must match ${CAMERA_ID_PATTERN}`);
    }
    this.#assertOpen(node);
    const { credentials, peer } = request;
    const question = { action: 'publish', cameraId, credentials, peer } as const;
    const decision = await this.#host.access.ask(question);
    if (!decision.allowed) {
      const data = { peer: peer.address, protocol: peer.protocol, reason: decision.reason };
      this.#host.events.emit({ type: 'publish.refused', cameraId, stage: node.name, data });
      throw new EddyError('PUBLISH_REFUSED', decision.message, { details: { reason: decision.reason, cameraId } });
    }
    await this.#cameras.get(cameraId)?.closing;
    this.#assertOpen(node);
    const camera = this.#camera(cameraId);
    const settings = this.#host.settings();
    if (camera.publications.length > 0 && settings.secondPublisher === 'refuse') {
      throw new EddyError(
        'PUBLISH_CONFLICT',
        `"${cameraId}" already has a publisher (${camera.publications[0]!.peer})`,
      );
    }
    const publication = this.#accept(camera, request, node, decision.subject);
    // A publisher whose token expires stays: to lose a camera in the middle of a match is worse. Who is revoked goes.
    const cancel = keepAsking(this.#host, question, decision, {
      refused: (message) =>
        publication.end('stopped', new EddyError('PUBLISH_REFUSED', message, { details: { cameraId } })),
    });
    publication.signal.addEventListener('abort', cancel, { once: true });
    if (settings.secondPublisher === 'take-over') this.#takeOver(camera, publication);
    this.#elect(camera, 'replaced');
    return publication.face();
  }

  /** A stage stops or fails: its publications end. */
  endOf(stage: string, cause: EndCause, reason: EddyError): void {
    this.#endWhere((publication) => publication.stage === stage, cause, reason);
  }

  /** Somebody's rights were revoked: their publications end. */
  revoke(subject: string, reason: EddyError): void {
    this.#endWhere((publication) => publication.subject === subject, 'stopped', reason);
  }

  #endWhere(match: (publication: Publication) => boolean, cause: EndCause, reason: EddyError): void {
    for (const camera of this.#cameras.values()) {
      for (const publication of camera.publications.filter(match)) publication.end(cause, reason);
    }
  }

  /** A stage goes while cameras stay: its parts pass on what they hold; false where one was not done in time. */
  async drainStage(stage: string, signal: AbortSignal): Promise<boolean> {
    const flows = [...this.#cameras.values()].flatMap((camera) => camera.flow ?? []);
    return (await Promise.all(flows.map((flow) => flow.drainStage(stage, signal)))).every(Boolean);
  }

  /** The graph or the set of running stages changed. */
  sync(): void {
    for (const camera of this.#cameras.values()) camera.flow?.sync();
  }

  /** Keeps a finding with its camera; false where it was known already. */
  report(report: Report, stage: string): boolean {
    const camera = report.cameraId && this.#cameras.get(report.cameraId);
    if (!camera) return true;
    const key = `${stage} ${report.code} ${report.message}`;
    const known = camera.findings.get(key);
    const count = (known?.count ?? 0) + 1;
    camera.findings.delete(key);
    camera.findings.set(key, { code: report.code, stage, message: report.message, at: this.#host.clock.now(), count });
    if (camera.findings.size > MAX_FINDINGS) camera.findings.delete(camera.findings.keys().next().value!);
    return count === 1;
  }

  /** Ends every publication and closes every flow; returns the stages that still blocked at the deadline. */
  async stop(signal: AbortSignal): Promise<string[]> {
    const reason = new EddyError('GATE_CLOSED', 'the pipeline is stopping');
    this.#stopping = true;
    const blocked = await Promise.all(
      [...this.#cameras.values()].map(async (camera) => {
        camera.cancelLinger?.();
        for (const publication of [...camera.publications]) publication.end('stopped', reason);
        camera.closing ??= Promise.resolve();
        const names = await camera.flow?.drain(signal);
        await camera.flow?.close();
        camera.flow = undefined;
        await camera.closing;
        this.#to(camera, 'away');
        return names ?? [];
      }),
    );
    return [...new Set(blocked.flat())];
  }

  list(): CameraStatus[] {
    return [...this.#cameras.values()].map((camera) => this.#status(camera));
  }

  get(cameraId: CameraId): CameraStatus | undefined {
    const camera = this.#cameras.get(cameraId);
    return camera && this.#status(camera);
  }

  #assertOpen(node: RunningNode): void {
    if (this.#host.gateOpen() && node.lifecycle.is('running', 'degraded')) return;
    throw new EddyError('GATE_CLOSED', 'the pipeline is starting or stopping; try again shortly');
  }

  #camera(id: CameraId): Camera {
    const known = this.#cameras.get(id);
    if (known) return known;
    const away = [...this.#cameras.values()].filter((camera) => camera.state === 'away');
    if (away.length >= MAX_AWAY) this.#cameras.delete(away.reduce((a, b) => (a.since < b.since ? a : b)).id);
    const camera: Camera = {
      id,
      publications: [],
      findings: new Map(),
      flow: undefined,
      state: 'away',
      since: this.#host.clock.now(),
      cancelLinger: undefined,
      closing: undefined,
    };
    this.#cameras.set(id, camera);
    return camera;
  }

  #accept(camera: Camera, request: PublishRequest, node: RunningNode, subject: string): Publication {
    const publication: Publication = new Publication(
      {
        id: randomUUID() as string as PublicationId,
        cameraId: camera.id,
        stage: node.name,
        subject,
        request,
        outputs: node.spec.plugin.manifest.outputs,
        clock: this.#host.clock,
        log: this.#host.log.child({ stage: node.name, camera: camera.id }),
      },
      {
        outputChanged: (port) => {
          if (camera.flow?.active === publication) camera.flow.outputChanged(node.name, port, publication.outputs);
        },
        ended: (_ended, cause) => this.#ended(camera, publication, cause),
      },
    );
    camera.publications.push(publication);
    this.#tell('publication.started', camera, publication);
    return publication;
  }

  #takeOver(camera: Camera, by: Publication): void {
    for (const other of camera.publications.filter((publication) => publication !== by)) {
      const message = `another publisher (${by.peer}) took over "${camera.id}"`;
      // Out of the list first: the newcomer is elected once, not a standby in between.
      camera.publications.splice(camera.publications.indexOf(other), 1);
      this.#tell('publication.replaced', camera, other);
      other.end('replaced', new EddyError('PUBLISH_REPLACED', message));
    }
  }

  #ended(camera: Camera, publication: Publication, cause: EndCause): void {
    const index = camera.publications.indexOf(publication);
    if (index >= 0) camera.publications.splice(index, 1);
    this.#tell('publication.ended', camera, publication, { cause });
    if (camera.flow?.active === publication) this.#elect(camera, cause);
    else publication.closePorts(cause);
  }

  /** The highest priority goes first, then who came first. */
  #elect(camera: Camera, cause: EndCause): void {
    const best = camera.publications.reduce<Publication | undefined>(
      (winner, candidate) => (!winner || candidate.priority > winner.priority ? candidate : winner),
      undefined,
    );
    if (best) {
      camera.cancelLinger?.();
      camera.cancelLinger = undefined;
      camera.flow ??= new Flow(camera.id, this.#host, this.#host.log.child({ camera: camera.id }));
      this.#to(camera, 'live');
    }
    const before = camera.flow?.active;
    camera.flow?.activate(best, cause);
    if (best && best !== before) this.#tell('publication.active', camera, best);
    if (!best && camera.flow && !camera.cancelLinger && !this.#stopping) this.#linger(camera);
  }

  #linger(camera: Camera): void {
    this.#to(camera, 'lingering');
    camera.cancelLinger = this.#host.clock.after(this.#host.settings().linger, () => {
      camera.cancelLinger = undefined;
      camera.closing = this.#close(camera);
    });
  }

  async #close(camera: Camera): Promise<void> {
    const flow = camera.flow;
    const deadline = new AbortController();
    const cancel = this.#host.clock.after(FLOW_DRAIN_MS, () => deadline.abort());
    try {
      const blocked = await flow?.drain(deadline.signal);
      if (blocked && blocked.length > 0) {
        this.#host.log.warn(
          { camera: camera.id, code: 'DRAIN_TIMEOUT', blocked },
          `still busy at the flow's end: ${blocked.join(', ')}`,
        );
      }
      await flow?.close();
    } finally {
      cancel();
      if (camera.flow === flow) camera.flow = undefined;
      camera.closing = undefined;
      if (camera.publications.length === 0) {
        this.#to(camera, 'away');
        this.#host.gone(camera.id);
      }
    }
  }

  #to(camera: Camera, state: Camera['state']): void {
    if (camera.state === state) return;
    camera.state = state;
    camera.since = this.#host.clock.now();
    this.#host.log.info({ camera: camera.id }, `camera ${camera.id} is ${state}`);
    this.#host.events.emit({ type: `camera.${state}`, cameraId: camera.id });
  }

  #tell(type: string, camera: Camera, publication: Publication, data: Readonly<Record<string, unknown>> = {}): void {
    publication.log.info({ publication: publication.id, peer: publication.peer, ...data }, type.replace('.', ' '));
    this.#host.events.emit({
      type,
      cameraId: camera.id,
      stage: publication.stage,
      data: { publication: publication.id, peer: publication.peer, ...data },
    });
  }

  #status(camera: Camera): CameraStatus {
    const tracks = camera.flow?.tracks() ?? [];
    return {
      cameraId: camera.id,
      state: camera.state,
      since: camera.since,
      publications: camera.publications.map((publication) => ({
        id: publication.id,
        stage: publication.stage,
        active: camera.flow?.active === publication,
        peer: publication.peer,
        since: publication.since,
      })),
      tracks,
      findings: [...camera.findings.values()],
      limits: limitsOf(tracks, this.#host.recordingPath()),
    };
  }
}
