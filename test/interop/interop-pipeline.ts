/** What foreign clients meet: WHIP, the SFU and WHEP behind bearer tokens, as in a real deployment. */
import { FakeAuthorizer } from '../../core/testing/index.ts';
import { webrtcPipeline, type WebrtcPipeline, type WebrtcPipelineOptions } from '../support/webrtc-pipeline.ts';

export const PUBLISH_TOKEN = 'publish-anything';
export const WATCH_TOKEN = 'watch-anything';

/** Starts it; with the tokens one publishes and watches any camera, without them nothing. */
export function interopPipeline(options: WebrtcPipelineOptions = {}): Promise<WebrtcPipeline> {
  const authorizer = new FakeAuthorizer({
    decide: ({ action, credentials: { token } }) => {
      if (token === (action === 'publish' ? PUBLISH_TOKEN : WATCH_TOKEN)) return { allowed: true, subject: 'client' };
      return { allowed: false, reason: token === undefined ? 'unauthenticated' : 'forbidden', message: 'no' };
    },
  });
  return webrtcPipeline({ sfu: true, authorizer, ...options });
}
