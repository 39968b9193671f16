/** A worker that ticks: timers of a page in the background run once a second, those of a worker do not. */
const scope = self as unknown as { postMessage(tick: number): void; onmessage: (event: { data: number }) => void };

scope.onmessage = ({ data: interval }) => {
  let count = 0;
  setInterval(() => scope.postMessage(count++), interval);
};
