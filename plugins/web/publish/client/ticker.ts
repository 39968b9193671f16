/**
 * A worker that ticks: timers of a page in the background run once a second, those of a worker do not. A tick comes only
 * once the page has answered the one before: a page that is too slow for the rate would drown in ticks that wait for it,
 * and hear nothing else any more.
 */
const scope = self as unknown as {
  postMessage(tick: number): void;
  onmessage: (event: { data: { interval: number } | 'done' }) => void;
};

let isBusy = false;

scope.onmessage = ({ data }) => {
  if (data === 'done') {
    isBusy = false;
    return;
  }
  let count = 0;
  setInterval(() => {
    count += 1;
    if (isBusy) return;
    isBusy = true;
    scope.postMessage(count);
  }, data.interval);
};
