/**
 * The composition root. Components and services are registered under explicit tokens by factory, without decorators:
 * engine-wide singletons in the root, one child container a running pipeline. It builds; the engine alone decides in
 * which order things start and stop. The one file that imports tsyringe.
 */
import 'reflect-metadata';
import { container as globalContainer, instanceCachingFactory, type DependencyContainer } from 'tsyringe';
import type { Contract } from '../contracts/index.ts';
import type { EngineEvents, EngineMetrics, Redactor, RootLogger } from '../observe/index.ts';
import type { Clock } from '../plugin/index.ts';
import type { Access } from './access.ts';
import type { CameraRegistry } from './cameras.ts';
import type { Revocations } from './revocations.ts';
import type { Seals } from './seals.ts';
import type { ServiceSlot } from './services.ts';
import type { SessionRegistry } from './sessions.ts';

/** What each engine-wide or pipeline-wide token gives. */
export interface Components {
  clock: Clock;
  log: RootLogger;
  redactor: Redactor;
  metrics: EngineMetrics;
  events: EngineEvents;
  access: Access;
  revocations: Revocations;
  seals: Seals;
  cameras: CameraRegistry;
  sessions: SessionRegistry;
}

/** Makes one component; others may be asked for, whatever their order of registration. */
export type Factory<K extends keyof Components> = (container: Container) => Components[K];

const tokenOf = (component: keyof Components): symbol => Symbol.for(`eddy/${component}@1`);
const serviceToken = (contract: Contract<unknown>, provider: string): symbol =>
  Symbol.for(`${contract.token.description}#${provider}`);

/** A typed face over a tsyringe container. */
export class Container {
  readonly #container: DependencyContainer;

  private constructor(container: DependencyContainer) {
    this.#container = container;
  }

  /** A root of its own: two engines in a process share nothing, so nothing is registered in the global container. */
  static root(): Container {
    return new Container(globalContainer.createChildContainer());
  }

  /** The container of one running pipeline. */
  child(): Container {
    return new Container(this.#container.createChildContainer());
  }

  /** Registers a component; it is made at the first `get` and kept. */
  component<K extends keyof Components>(name: K, factory: Factory<K>): this {
    this.#container.register(tokenOf(name), { useFactory: instanceCachingFactory(() => factory(this)) });
    return this;
  }

  get<K extends keyof Components>(name: K): Components[K] {
    return this.#container.resolve(tokenOf(name));
  }

  /** Registers the place of a provided contract. */
  service(slot: ServiceSlot): void {
    this.#container.register(serviceToken(slot.contract, slot.provider), { useValue: slot.handle });
  }

  /** The live handle of a contract as a node provides it; undefined where it provides none. */
  handle<T>(contract: Contract<T>, provider: string): T | undefined {
    const token = serviceToken(contract, provider);
    return this.#container.isRegistered(token) ? this.#container.resolve<T>(token) : undefined;
  }
}
