/** The plugins in the box: manifests only, their code is loaded when a pipeline uses them. */
import type { AnyPlugin } from 'eddy/plugin';
import authAll from './auth/all/plugin.ts';
import authAny from './auth/any/plugin.ts';
import authJwt from './auth/jwt/plugin.ts';
import authNone from './auth/none/plugin.ts';
import authStatic from './auth/static/plugin.ts';
import eventsFile from './events/file/plugin.ts';
import eventsWebhook from './events/webhook/plugin.ts';
import authWebhook from './auth/webhook/plugin.ts';
import httpServer from './http/server/plugin.ts';
import indexPostgres from './index/postgres/plugin.ts';
import indexSqlite from './index/sqlite/plugin.ts';
import ingestRtmp from './ingest/rtmp/plugin.ts';
import ingestTestPattern from './ingest/test-pattern/plugin.ts';
import nativeGstreamer from './native/gstreamer/plugin.ts';
import packageCmaf from './package/cmaf/plugin.ts';
import publishClips from './publish/clips/plugin.ts';
import publishCdn from './publish/cdn/plugin.ts';
import publishDash from './publish/dash/plugin.ts';
import publishHls from './publish/hls/plugin.ts';
import publishPictures from './publish/pictures/plugin.ts';
import storeFilesystem from './store/filesystem/plugin.ts';
import storeS3 from './store/s3/plugin.ts';
import timeshiftRing from './timeshift/ring/plugin.ts';
import transcodeAudio from './transcode/audio/plugin.ts';
import transcodeVideo from './transcode/video/plugin.ts';
import webApi from './web/api/plugin.ts';
import webPlayer from './web/player/plugin.ts';
import webPublish from './web/publish/plugin.ts';
import webrtcSfu from './webrtc/sfu/plugin.ts';
import webrtcWhep from './webrtc/whep/plugin.ts';
import webrtcWhip from './webrtc/whip/plugin.ts';
import webrtcWorkers from './webrtc/workers/plugin.ts';

const plugins = [
  authAll,
  authAny,
  authJwt,
  authNone,
  authStatic,
  authWebhook,
  eventsFile,
  eventsWebhook,
  httpServer,
  indexPostgres,
  indexSqlite,
  ingestRtmp,
  ingestTestPattern,
  nativeGstreamer,
  packageCmaf,
  publishClips,
  publishCdn,
  publishDash,
  publishHls,
  publishPictures,
  storeFilesystem,
  storeS3,
  timeshiftRing,
  transcodeAudio,
  transcodeVideo,
  webApi,
  webPlayer,
  webPublish,
  webrtcSfu,
  webrtcWhep,
  webrtcWhip,
  webrtcWorkers,
] as unknown as readonly AnyPlugin[];

export default plugins;
