/** The menu of cameras in the page's head. */
import { isRefusal } from '../../shared/client/refusal.ts';
import { byId, make } from '../../shared/client/dom.ts';
import { listCameras } from './api.ts';
import type { CameraView } from './why.ts';

/** Connects the menu; cameras are asked for when it is needed. */
export function connectCameraMenu(options: { current(): string; onChoose(camera: string): void }) {
  const button = byId('cameras-button');
  const menu = byId('camera-menu');

  async function cameras(): Promise<readonly CameraView[]> {
    const answer = await listCameras();
    if (answer === undefined || isRefusal(answer)) return [];
    return answer.cameras
      .filter(({ state, cameraId }) => state !== 'away' || cameraId === options.current())
      .sort((a, b) => a.cameraId.localeCompare(b.cameraId));
  }

  function show(isOpen: boolean): void {
    menu.hidden = !isOpen;
    button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) menu.querySelector<HTMLElement>('[aria-checked=true], button')?.focus();
    else if (menu.contains(document.activeElement)) button.focus();
  }

  function item({ cameraId, state }: CameraView, index: number): HTMLElement {
    const entry = make(
      'button',
      { type: 'button', role: 'menuitemradio', 'aria-checked': String(cameraId === options.current()) },
      make('span', { class: 'menu-name' }, cameraId),
      make('span', { class: 'state', 'data-state': state }, state === 'lingering' ? 'interrupted' : state),
    );
    if (index < 9) entry.prepend(make('kbd', {}, String(index + 1)));
    entry.addEventListener('click', () => {
      show(false);
      options.onChoose(cameraId);
    });
    return make('li', { role: 'none' }, entry);
  }

  async function open(): Promise<void> {
    const found = await cameras();
    menu.replaceChildren(
      ...(found.length > 0 ? found.map(item) : [make('li', { class: 'menu-empty' }, 'No other camera is live.')]),
    );
    show(true);
  }

  const toggle = (): void => {
    if (menu.hidden) void open();
    else show(false);
  };
  button.addEventListener('click', toggle);
  menu.addEventListener('keydown', (event) => {
    const entries = [...menu.querySelectorAll<HTMLElement>('button')];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape') show(false);
    else if (event.key === 'ArrowDown') entries[(at + 1) % entries.length]?.focus();
    else if (event.key === 'ArrowUp') entries.at(at - 1)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener('pointerdown', (event) => {
    const target = event.target as Node;
    if (!menu.hidden && !menu.contains(target) && !button.contains(target)) show(false);
  });

  return {
    toggle,
    /** The camera at this place of the list. */
    async choose(index: number): Promise<void> {
      const found = (await cameras())[index];
      show(false);
      if (found) options.onChoose(found.cameraId);
    },
    /** The next camera, or the one before. */
    async step(by: 1 | -1): Promise<void> {
      const found = await cameras();
      const at = found.findIndex(({ cameraId }) => cameraId === options.current());
      const next = found.at((at + by + found.length) % Math.max(1, found.length));
      if (next) options.onChoose(next.cameraId);
    },
  };
}
