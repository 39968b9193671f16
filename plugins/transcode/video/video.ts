/** The stage: each track of a camera gets a ladder. */
import type { Context, Flow, FlowHandlers, Running } from 'eddy/plugin';
import { Ladder } from './ladder.ts';
import { createMeters, type Meters } from './meters.ts';
import type { manifest } from './plugin.ts';

type Ctx = Context<typeof manifest>;

/** Makes the stage. */
export function create(ctx: Ctx): Running<typeof manifest> {
  const meters = createMeters(ctx.metrics, ctx.clock);
  return { flow: (flow) => openCamera(ctx, flow, meters) };
}

function openCamera(ctx: Ctx, flow: Flow<typeof manifest>, meters: Meters): FlowHandlers | void {
  const { out } = flow.out;
  const ladders = new Set<Ladder>();
  flow.scope.add(
    out.onWanted(() => {
      for (const ladder of ladders) ladder.look();
    }),
  );
  flow.scope.add(async () => {
    await Promise.all([...ladders].map((ladder) => ladder.stop()));
  });
  flow.in.in.onTrack((track) => {
    const names = new Set<string>();
    const ladder: Ladder = new Ladder(track, {
      config: ctx.config,
      hosts: ctx.services.hosts,
      clock: ctx.clock,
      log: flow.log,
      meters,
      out,
      label: `${ctx.name} ${flow.cameraId} ${track.id}`,
      report: (code, message) => flow.report({ code, message }),
      name: (rung) => {
        const name = rung === undefined ? track.id : `${track.id}-${rung}`;
        names.add(name);
        return name;
      },
      onEnd: () => ladders.delete(ladder),
    });
    ladders.add(ladder);
    return ladder;
  });
}
