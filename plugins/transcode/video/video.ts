/** The stage: each track of a camera gets a ladder. */
import type { CameraId, Context, Flow, FlowHandlers, Running, TrackId } from 'eddy/plugin';
import { ladderRoutes } from './control.ts';
import { CpuBudget } from './cpu-budget.ts';
import { EncoderChoice } from './encoders.ts';
import { idleShare } from './idle.ts';
import { Ladder } from './ladder.ts';
import { createMeters, type Meters } from './meters.ts';
import type { manifest } from './plugin.ts';
import type { KeptRung } from './heirs.ts';
import { priorityOf } from './priorities.ts';
import { LOOK_MS, Shedding } from './shedding.ts';

type Ctx = Context<typeof manifest>;

/** Makes the stage. */
export function create(ctx: Ctx): Running<typeof manifest> {
  const meters = createMeters(ctx.metrics, ctx.clock);
  const encoders = new EncoderChoice(ctx.services.hosts, ctx.config.encoder, () => ctx.clock.monotonic());
  const cameras = new Map<CameraId, Set<Ladder>>();
  const shedding = new Shedding();
  const budget = new CpuBudget();
  const idle = idleShare();
  ctx.scope.add(
    ctx.clock.every(LOOK_MS, () => {
      budget.look();
      shedding.look(idle());
      for (const ladders of cameras.values()) for (const ladder of ladders) ladder.lookDownstream();
    }),
  );
  return {
    start() {
      const { http } = ctx.services;
      if (!http) return;
      for (const route of ladderRoutes(ctx, (cameraId) => [...(cameras.get(cameraId) ?? [])]))
        ctx.scope.add(http.route(route));
    },
    flow(flow) {
      const ladders = new Set<Ladder>();
      cameras.set(flow.cameraId, ladders);
      flow.scope.add(() => {
        if (cameras.get(flow.cameraId) === ladders) cameras.delete(flow.cameraId);
      });
      return openCamera(ctx, flow, { ladders, meters, encoders, shedding, budget });
    },
  };
}

/** What a camera shares with the others of the stage. */
interface Shared {
  readonly ladders: Set<Ladder>;
  readonly meters: Meters;
  readonly encoders: EncoderChoice;
  readonly shedding: Shedding;
  readonly budget: CpuBudget;
}

function openCamera(ctx: Ctx, flow: Flow<typeof manifest>, shared: Shared): FlowHandlers | void {
  const { ladders, meters, encoders, shedding, budget } = shared;
  const priority = priorityOf(ctx.config.priority, flow.cameraId);
  const { out } = flow.out;
  flow.scope.add(
    out.onWanted(() => {
      for (const ladder of ladders) ladder.look();
    }),
  );
  flow.scope.add(async () => {
    await Promise.all([...ladders].map((ladder) => ladder.stop()));
  });
  /** By track, until another one takes its place. */
  const kept = new Map<TrackId, readonly KeptRung[]>();
  flow.in.in.onTrack((track) => {
    const before = track.replaces ?? track.id;
    const inherited = kept.get(before) ?? [];
    kept.delete(before);
    const ladder: Ladder = new Ladder(track, {
      kept: inherited,
      config: ctx.config,
      hosts: ctx.services.hosts,
      clock: ctx.clock,
      log: flow.log,
      meters,
      encoders,
      budget,
      out,
      priority,
      label: `${ctx.name} ${flow.cameraId} ${track.id}`,
      report: (code, message) => flow.report({ code, message }),
      // A flow outlives its publishers: it keeps nothing of a ladder that has ended.
      onEnd: () => {
        ladders.delete(ladder);
        kept.set(track.id, ladder.kept);
        leave();
        forget();
      },
    });
    ladders.add(ladder);
    const leave = shedding.add(ladder);
    const forget = budget.add(ladder.load);
    return ladder;
  });
}
