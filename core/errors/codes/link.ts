/** Links, needs, caps, latency and resources of a graph. */
import { defineCodes } from '../define.ts';

const refused = { severity: 'error', kind: 'config' } as const;
const warned = { severity: 'warning', kind: 'config' } as const;

export const linkCodes = defineCodes({
  LINKS_NOT_A_LIST: {
    ...refused,
    meaning: '"links" is not a list.',
    mend: 'Write one link a line, each with a dash.',
    example: 'links: rtmp.video -> cmaf.video   # links:\\n  - rtmp.video -> cmaf.video',
  },
  LINK_SYNTAX: {
    ...refused,
    meaning: 'A line below "links:" is not a link.',
    mend: 'Write - a.x -> b.y, with options - a.x -> b.y: { queue: 2s }.',
    example: '- rtmp.video: cmaf.video   # - rtmp.video -> cmaf.video',
  },
  LINK_UNKNOWN_STAGE: {
    ...refused,
    meaning: 'A link names a stage that does not exist.',
    mend: 'Correct the name, or add the stage.',
    example: '- rmtp.video -> cmaf.video',
  },
  LINK_UNKNOWN_PAD: {
    ...refused,
    meaning: 'A link names a pad that its stage does not have, or none where there is a choice.',
    mend: 'Use a pad that the message lists; "eddy inspect PLUGIN" shows them.',
    example: '- rtmp.vidoe -> cmaf.video',
  },
  LINK_DIRECTION: {
    ...refused,
    meaning: 'A link has an input on its left or an output on its right.',
    mend: 'Turn the link round: output -> input.',
    example: '- cmaf.video -> rtmp.video',
  },
  LINK_NO_COMMON_PAD: {
    ...refused,
    meaning: 'The short form "a -> b" joins pads of the same name and type, and these two stages have none.',
    mend: 'Name the pads: a.x -> b.y.',
    example: '- cmaf -> hls',
  },
  LINK_TYPE_MISMATCH: {
    ...refused,
    meaning: 'A link joins pads of different media types.',
    mend: 'Put the stage between them that makes the one of the other.',
    example: '- rtmp.video -> hls.chunks   # frames -> chunks: package.cmaf',
  },
  LINK_DUPLICATE: {
    ...refused,
    meaning: 'The same output is linked to the same input twice.',
    mend: 'Take one of the two out.',
    example: '- a.x -> b.y, b.y',
  },
  LINK_SEVERAL_INTO_ONE: {
    ...refused,
    meaning: 'Several links end in a pad that takes one.',
    mend: 'Write one link with alternative routes: a.x | b.y -> c.z.',
    example: '- rtmp.video -> cmaf.video\\n- whip.video -> cmaf.video',
  },
  LINK_QUEUE_ON_RTP: {
    ...refused,
    meaning:
      "A link of rtp handles has queue options; its packets stay in the SFU's workers and are never queued here.",
    mend: 'Take "queue" and "full" out of this link.',
    example: '- whip.rtp -> sfu.rtp: { queue: 1s }',
  },
  LINK_POLICY_UNFIT: {
    ...refused,
    meaning: 'A full queue of this media type cannot do what "full" says.',
    mend: 'Use a policy that the message lists.',
    example: '- dvr.segments -> index.segments: { full: drop-to-keyframe }',
  },
  LINK_BLOCKS_SOURCE: {
    ...warned,
    meaning:
      'A link with "full: block" stands straight on an output of a live source that feeds others too: one slow branch delays all.',
    mend: 'Use full: drop-to-keyframe here.',
    example: '- rtmp.video -> slow.video: { full: block }',
  },
  INPUT_UNLINKED: {
    ...refused,
    meaning: 'An input that its stage cannot do without has no link.',
    mend: 'Link it.',
    example: 'cmaf: { plugin: package.cmaf } without a link into cmaf.video',
  },
  OUTPUT_UNUSED: {
    ...warned,
    meaning: 'An output is not linked, so what it would give is never made.',
    mend: 'Link it, or say that it is meant: allow: [OUTPUT_UNUSED].',
    example: 'rtmp.audio without a link',
  },
  LINK_CYCLE: {
    ...refused,
    meaning: 'Media would go round: following the links, a pad reaches itself.',
    mend: 'Take one of the named links out.',
    example: '- a.out -> b.in\\n- b.out -> a.in',
  },
  NEED_UNMET: {
    ...refused,
    meaning: 'A plugin needs a service that no other node of the pipeline provides.',
    mend: 'Add a service that provides it.',
    example: 'hls: { plugin: publish.hls } without an HTTP server',
  },
  NEED_AMBIGUOUS: {
    ...refused,
    meaning: 'Several nodes provide what a plugin needs.',
    mend: 'Say which: use: { need: name }.',
    example: 'two stores, and dvr: { plugin: timeshift.ring }   # use: { store: cold }',
  },
  NEED_UNKNOWN: {
    ...refused,
    meaning: '"use" names a need that the plugin does not have.',
    mend: 'Use one of its needs; "eddy inspect PLUGIN" shows them.',
    example: 'use: { stroe: cold }',
  },
  NEED_TARGET_UNFIT: {
    ...refused,
    meaning: '"use" names a node that does not exist or does not provide what is needed.',
    mend: 'Name a node that provides it.',
    example: 'use: { store: http }',
  },
  NEED_CYCLE: {
    ...refused,
    meaning: 'Nodes need each other in a circle, so that none can start first.',
    mend: 'Bind one of the needs to another provider with "use".',
    example: 'a needs b, b needs a',
  },
  CAPS_NEVER: {
    severity: 'error',
    kind: 'caps',
    meaning: 'Nothing that the source offers is taken by the target.',
    mend: 'Put a stage that converts it between the two.',
    example: '- aac.out -> sfu.audio',
  },
  CAPS_USUALLY_NOT: {
    severity: 'warning',
    kind: 'caps',
    meaning:
      'What the source usually brings is not taken by the target; the link then stays inactive for such a track.',
    mend: 'Put a stage that converts it between the two, or allow it where your cameras are known to fit.',
    example: '- rtmp.audio -> sfu.audio   # RTMP brings AAC, WebRTC takes Opus',
  },
  CAPS_PERHAPS_NOT: {
    severity: 'info',
    kind: 'caps',
    meaning:
      'Some of what the source may bring is not taken by the target; the link then stays inactive for such a track.',
    mend: 'Nothing, where your cameras do not send it.',
    example: '- rtmp.video -> sfu.video   # HEVC cameras are possible, WebRTC does not take them',
  },
  BUDGET_IMPOSSIBLE: {
    ...refused,
    meaning: 'Even at best the stages on the way hold a picture longer than the budget.',
    mend: 'Raise the budget, or take out or shorten the stage that the message names as the slowest.',
    example: 'budget: { hls: 300ms }',
  },
  BUDGET_EXCEEDED: {
    ...warned,
    meaning: 'At worst the stages on the way hold a picture longer than the budget.',
    mend: 'Raise the budget, or shorten the stage that the message names as the slowest.',
    example: 'budget: { hls: 3s } with segment: 10s',
  },
  MEDIA_SOURCES_APART: {
    ...warned,
    meaning: 'The video and the audio of a stage come from different sources, which are never the same publication.',
    mend: 'Link both from the same source, or add routes with "|" so that each source brings both.',
    example: '- rtmp.video -> cmaf.video\\n- whip.audio -> cmaf.audio',
  },
  MEDIA_TRACK_MISSING: {
    severity: 'info',
    kind: 'config',
    meaning:
      'A stage gets video of a source but not its audio, or the other way round, while another source brings both.',
    mend: 'Add a route with "|", or allow it where that is meant.',
    example: '- rtmp.video | whip.video -> cmaf.video\\n- rtmp.audio -> cmaf.audio',
  },
  LISTEN_TAKEN: {
    ...refused,
    meaning: 'Two nodes listen on the same address.',
    mend: 'Give one of them another port.',
    example: 'rtmp: { listen: 127.0.0.1:8080 } beside an HTTP server on 127.0.0.1:8080',
  },
  ROUTE_TAKEN: {
    ...refused,
    meaning: 'Two stages claim the same route on the same HTTP server.',
    mend: 'Give one of them another prefix, or another HTTP server with "use".',
    example: 'two stages of publish.hls with prefix: /hls',
  },
  GSTREAMER_ELEMENT_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A plugin needs a GStreamer element that this machine does not have.',
    mend: 'Run "eddy setup", or install the GStreamer package that holds the element.',
    example: 'transcode.video without x264enc',
  },
  BINARY_MISSING: {
    severity: 'error',
    kind: 'resource',
    meaning: 'A plugin needs a program that is not in the PATH of this machine.',
    mend: 'Run "eddy setup", or install the program.',
    example: 'a plugin that runs ffmpeg',
  },
  STORAGE_UNWRITABLE: {
    ...refused,
    kind: 'resource',
    meaning:
      'A folder or file that a node writes to cannot be written: it is read-only, of another user, or below a file.',
    mend: 'Name another place, or give this user the right to write there (chown, mount).',
    example: 'store: { plugin: store.filesystem, dir: /root/recordings }',
  },
  STORAGE_LOW: {
    severity: 'warning',
    kind: 'resource',
    meaning: 'Less than 1 GiB is free on the disk that a node writes to.',
    mend: 'Free some space, keep less ("retain"), or name a place on a larger disk.',
    example: 'store: { plugin: store.filesystem, dir: ./data }   # 300 MiB free',
  },
  AUTH_OPEN: {
    ...refused,
    meaning: 'A node listens beyond this machine, and no service decides who may publish and watch.',
    mend: 'Add an authorizer below "services:", or bind 127.0.0.1; auth.none says openly that anyone may.',
    example: 'http: { plugin: http.server, listen: 0.0.0.0:8080 } without an auth service',
  },
  AUTH_AMBIGUOUS: {
    ...refused,
    meaning:
      'Several services say who may publish and watch, and none of them asks the others; the engine can ask only one.',
    mend: 'Keep one of them, or join them by a service of auth.any (one must let in) or auth.all (each must).',
    example: 'services: { auth: { plugin: auth.static }, open: { plugin: auth.none } }',
  },
});
