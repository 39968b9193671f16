/** How long the children of this service may take. */

/** The first host on a fresh machine waits until GStreamer has looked at all its plugins. In ms. */
export const START_MS = 60_000;
/** Media that stops is noticed sooner by its own watch; this is for a child whose control hangs. */
export const HEARTBEAT = { interval: 1000, timeout: 10_000 };
