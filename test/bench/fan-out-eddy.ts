/** Eddy as fan-out is measured: WHIP, webrtc.sfu and WHEP over one worker. Speaks over IPC. */
import { RtpRouters } from '../../core/contracts/index.ts';
import { webrtcPipeline } from '../support/webrtc-pipeline.ts';
import { serveReports } from './fan-out-report.ts';

const options = { sfu: true, whep: { posts: '10000 in 1s' }, workers: { 'viewers-per-worker': 10_000 } };
const { url, pipeline, close } = await webrtcPipeline(options);
// A worker is known by its routers, and there are none before the first camera.
const { connect } = pipeline.service(RtpRouters, 'rtc');
const probe = await connect('probe' as Parameters<typeof connect>[0]);
const [router] = await pipeline.service(RtpRouters, 'rtc').describe();
probe.close();
serveReports(url, router!.pid, close);
