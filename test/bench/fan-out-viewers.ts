/** Viewers of libdatachannel, all in this process. Arguments: WHEP URL, how many. Speaks over IPC. */
import { watchByWhep, type Player } from '../support/libdatachannel.ts';

/** What they have received since the last report. */
export interface ViewersReport {
  readonly connected: number;
  /** Pictures of the viewer that had least and of the one that had most. */
  readonly pictures: { readonly least: number; readonly most: number };
  /** The longest time that any of them was without a packet, ms. */
  readonly longestPause: number;
}

/** How many join at a time. */
const AT_ONCE = 8;

const [url, count] = [process.argv[2]!, Number(process.argv[3])];
const extensions = [
  '9 urn:ietf:params:rtp-hdrext:sdes:mid',
  '7 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
];
const players: Player[] = [];
while (players.length < count) {
  const next = Math.min(AT_ONCE, count - players.length);
  players.push(...(await Promise.all(Array.from({ length: next }, () => watchByWhep(url, { extensions })))));
}
const before = new Map<Player, number>();

process.on('message', (question) => {
  if (question !== 'report') {
    for (const player of players) player.close();
    return process.exit(0);
  }
  const pictures = players.map((player) => player.received.pictures - (before.get(player) ?? 0));
  for (const player of players) before.set(player, player.received.pictures);
  const report: ViewersReport = {
    connected: players.filter(({ connection }) => connection.state() === 'connected').length,
    pictures: { least: Math.min(...pictures), most: Math.max(...pictures) },
    longestPause: Math.max(...players.map((player) => player.longestPause())),
  };
  return void process.send!(report);
});
process.once('disconnect', () => process.exit());
process.send!('watching');
