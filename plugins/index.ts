/** The plugins in the box: manifests only, their code is loaded when a pipeline uses them. */
import type { AnyPlugin } from 'eddy/plugin';
import httpServer from './http/server/plugin.ts';
import ingestRtmp from './ingest/rtmp/plugin.ts';
import nativeGstreamer from './native/gstreamer/plugin.ts';
import publishHls from './publish/hls/plugin.ts';
import timeshiftRing from './timeshift/ring/plugin.ts';

const plugins = [httpServer, ingestRtmp, nativeGstreamer, publishHls, timeshiftRing] as unknown as readonly AnyPlugin[];

export default plugins;
