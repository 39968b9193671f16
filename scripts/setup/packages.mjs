// The packages of the system, by what they are needed for. Names are Debian's; elsewhere the step says what to look for.
import { spawnSync } from 'node:child_process';
import { run, say, SetupError, succeeds } from './steps.mjs';

/** @type {Record<'run' | 'build' | 'worker' | 'test' | 'proof', string[]>} */
export const packages = {
  // Media: the test pattern, transcoding.
  run: [
    'gstreamer1.0-tools',
    'gstreamer1.0-plugins-base',
    'gstreamer1.0-plugins-good',
    'gstreamer1.0-plugins-bad',
    'gstreamer1.0-plugins-ugly',
    'gstreamer1.0-libav',
    'gstreamer1.0-nice',
    'fonts-dejavu-core', // the burned-in clock
  ],
  // The GStreamer addon is compiled on the machine.
  build: ['libgstreamer1.0-dev', 'libgstreamer-plugins-base1.0-dev', 'pkg-config', 'g++', 'make', 'python3'],
  // The SFU worker, built against these libraries.
  worker: [
    'patch',
    'g++',
    'meson',
    'ninja-build',
    'pkg-config',
    'libssl-dev',
    'libuv1-dev',
    'libsrtp2-dev',
    'libabsl-dev',
    'flatbuffers-compiler',
    'libflatbuffers-dev',
  ],
  // strace: the order of system calls that a power cut must not break. postgresql: tests start servers of their own from it.
  test: ['ffmpeg', 'chromium', 'procps', 'strace', 'postgresql'],
  // What the measurements compare with, and what the bare machine is made by.
  proof: ['nginx', 'libnginx-mod-rtmp', 'wrk', 'debootstrap'],
};

/** @param {string[]} names @returns {import('./steps.mjs').Step} */
export function systemPackages(names) {
  return {
    name: 'system packages',
    ready: () => missing(names).length === 0,
    doing: () => `installing ${missing(names).join(' ')}`,
    bring: () => install(missing(names)),
  };
}

/** Those that dpkg does not know as installed. On a system without dpkg nothing can be told, so nothing is missing.
 * @param {string[]} names */
function missing(names) {
  const answer = spawnSync('dpkg-query', ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (answer.error) {
    say(`set-up: this is not a Debian system; please see to it that these are there: ${names.join(' ')}`);
    return [];
  }
  const installed = new Set(
    answer.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return [...new Set(names)].filter((name) => !installed.has(name));
}

/** @param {string[]} names */
async function install(names) {
  const update = ['apt-get', 'update', '-q'];
  const add = ['apt-get', '-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '-q', '--no-install-recommends', ...names];
  const rights = asRoot();
  if (!rights) {
    throw new SetupError(
      `these need the rights of root, and neither are you root nor is sudo at hand. Please run, then try again:\n` +
        `  ${update.join(' ')} && ${add.join(' ')}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // sudo drops the environment, so the one setting that matters travels on the command line.
  for (const command of [update, add]) {
    const [file, ...args] = [...rights, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command];
    await run(file, args, { env, stdin: 'inherit' });
  }
}

/** The prefix that makes a command root's, or undefined. Asks for a password only where someone can type it. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  if (succeeds('sudo', ['-n', 'true'])) return ['sudo', '-n'];
  return process.stdin.isTTY && succeeds('sudo', ['--version']) ? ['sudo'] : undefined;
}
