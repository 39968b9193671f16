/** `native.gstreamer`: runs GStreamer launches in child processes. */
import { API_VERSION, defineCodes, defineManifest, definePlugin, Integer, MediaHosts } from 'eddy/plugin';

const errors = defineCodes({
  ELEMENT_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A GStreamer element that a launch needs is not on this machine.',
    mend: 'Install the package that has it (gstreamer1.0-plugins-good, -bad, -ugly, gstreamer1.0-libav), or run "eddy doctor".',
    example: 'x264enc without gstreamer1.0-plugins-ugly',
  },
  LAUNCH_INVALID: {
    severity: 'error',
    kind: 'plugin',
    meaning: 'GStreamer does not understand a launch, or its elements cannot be joined.',
    mend: 'Report it to the author of the stage that made the launch, with the message.',
    example: 'a property that an element does not have',
  },
  LAUNCH_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'An element of a running launch failed.',
    mend: 'The message holds the element and what it said; the stage starts a new host.',
    example: 'a decoder that meets a stream it cannot read',
  },
  HOST_CRASHED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A host process ended by itself: native code crashed, or someone killed it.',
    mend: "The stage starts a new host. If it repeats for one camera, that camera's media crashes a decoder: report it.",
    example: 'kill -9 of a host',
  },
  SHARED_HOST_CRASHED: {
    severity: 'warning',
    kind: 'resource',
    meaning: 'A host process that ran several launches side by side ended by itself. Each is started anew in another.',
    mend: 'Nothing, once. If it repeats, the launch that is named each time has media that crashes a decoder: report it.',
    example: 'kill -9 of the host of sixteen audio transcoders',
  },
  HOST_STALLED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A host process gave neither a heartbeat nor frames for too long and was killed.',
    mend: 'The stage starts a new host. If it repeats, the machine is short of processor time: "eddy_host_cpu_seconds_total" in /metrics tells who uses it.',
    example: 'a machine whose encoders need more than its cores',
  },
  GSTREAMER_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'GStreamer, or the addon through which it is used, is not on this machine.',
    mend: 'Run "eddy setup"; "eddy doctor" tells what is missing.',
    example: 'a machine without gstreamer1.0-tools',
  },
});

export const manifest = defineManifest({
  name: 'native.gstreamer',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Runs GStreamer launches in disposable child processes, so that native code dies alone.',
  config: {
    nice: Integer({ doc: 'Added to the nice value of every host, 0-19.', default: 0, min: 0, max: 19 }),
  },
  provides: { hosts: MediaHosts },
  errors,
  requires: {
    gstreamer: ['appsrc', 'fdsrc', 'fdsink', 'gdppay', 'gdpdepay'],
    binaries: ['gst-inspect-1.0'],
  },
});

export default definePlugin(manifest, () => import('./gstreamer.ts'));
