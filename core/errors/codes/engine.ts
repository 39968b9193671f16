/** The running engine: services, stages, links, child processes. */
import { defineCodes } from '../define.ts';

export const engineCodes = defineCodes({
  SERVICE_RESTARTING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The service is being restarted and cannot answer now.',
    mend: 'Callers try again; if it stays so, the log of that service says why it does not come up.',
    example: 'a segment written while store.s3 restarts',
  },
  SERVICE_START_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A service did not start.',
    mend: 'The message behind the code says why: a port in use, a folder that cannot be written, a missing program.',
    example: 'http.server on a port that another process holds',
  },
  STAGE_START_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A stage did not start.',
    mend: 'The message behind the code says why: a port in use, a missing program, a wrong option.',
    example: 'ingest.rtmp on port 1935 while another server holds it',
  },
  STAGE_FAILED: {
    severity: 'error',
    kind: 'plugin',
    meaning: 'A stage failed while it ran; it is restarted by its supervision rule.',
    mend: "The log line above says what it threw. If it repeats, report it to the plugin's author with that line.",
    example: 'supervise: { restart: on-failure }',
  },
  STAGE_GAVE_UP: {
    severity: 'error',
    kind: 'plugin',
    meaning: 'A stage failed more often than its supervision rule allows and is no longer restarted.',
    mend: 'Find the cause in the log, then restart the pipeline or apply a changed one; "supervise.max" sets the limit.',
    example: 'supervise: { max: 5 in 2m, then: degrade }',
  },
  FLOW_FAILED: {
    severity: 'error',
    kind: 'plugin',
    meaning: "One camera's part of a stage failed; that camera alone is restarted.",
    mend: 'The log line says what it threw; other cameras go on undisturbed.',
    example: 'a packager that meets bytes it cannot parse',
  },
  DRAIN_TIMEOUT: {
    severity: 'warning',
    kind: 'resource',
    meaning: 'A stage did not finish draining before the deadline and was stopped.',
    mend: 'The message names who still blocked. Give it longer with "drain" or see why it waits.',
    example: 'a store that answers slower than the drain deadline',
  },
  LINK_INACTIVE: {
    severity: 'warning',
    kind: 'caps',
    meaning: "A track does not fit this link's target, so the link carries nothing of it; its other links go on.",
    mend: 'The message names what was offered and what is accepted; put the stage that converts it between the two.',
    example: 'an HEVC camera on a link into webrtc.sfu',
  },
  DELIVERY_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'An item that was to be acknowledged was dropped, or its consumer failed: it cannot be counted as done.',
    mend: "Writers deliver it again, or keep it; the details say why, the link's drops how often.",
    example: 'a finished segment whose index restarts just then',
  },
  PROCESS_DIED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A child process ended by itself, or did not answer its heartbeat.',
    mend: 'It is started again by the supervision rule; the log holds its last lines.',
    example: 'kill -9 of a GStreamer host',
  },
  PROCESS_SPAWN_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A child process could not be started.',
    mend: 'Run "eddy doctor": a program or a native package is missing, or the machine is out of processes or memory.',
    example: 'gstreamer-superficial that was not built',
  },
  INTERNAL: {
    severity: 'error',
    kind: 'internal',
    meaning: 'Something that cannot happen has happened: a defect of Eddy.',
    mend: 'Report it with the stack in the log.',
    example: 'an assertion in the engine',
  },
});
