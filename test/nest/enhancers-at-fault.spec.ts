import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  BadRequestException,
  Catch,
  Controller,
  Inject,
  Injectable,
  NotFoundException,
  Optional,
  Scope,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { IsEmail, IsInt } from 'class-validator';
import {
  CurrentJob,
  FatalError,
  httpErrors,
  JobHandler,
  Payload,
  TransientError,
  type Job,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { NEVER, throwError, type Observable } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startJobs, until, type Application } from './application.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const ONE_HOUR = { kind: 'fixed', base: '1h' } as const;

/** What becomes of one job named `work`. */
async function endOf({ publisher, events }: Application, payload: unknown = null): Promise<string> {
  const ends: string[] = [];
  events.on('completed', ({ result }) => ends.push(`completed ${JSON.stringify(result)}`));
  events.on('failed', ({ error, reason }) => ends.push(`failed: ${reason} (${error.name}: ${error.message})`));
  events.on('retried', ({ error }) => ends.push(`retried (${error.name}: ${error.message})`));
  await publisher.publish('work', payload, { backoff: ONE_HOUR });
  await until(() => ends.length > 0, 'its end');
  return ends.join();
}

/** What becomes of a job of a provided class. */
async function endWith(
  provider: new (...args: never[]) => object,
  payload?: unknown,
  options?: Partial<JobsModuleOptions>,
): Promise<string> {
  return endOf(await startJobs({ providers: [provider] }, options), payload);
}

describe('a filter', () => {
  @Catch()
  class Answers implements ExceptionFilter {
    catch(): unknown {
      return 'all is well';
    }
  }
  @Catch()
  class Observes implements ExceptionFilter {
    catch(): void {}
  }
  @Catch()
  class Streams implements ExceptionFilter {
    catch(error: Error): unknown {
      return throwError(() => new FatalError(`mapped ${error.message}`));
    }
  }
  @Catch(NotFoundException)
  class Selects implements ExceptionFilter {
    catch(error: Error): never {
      throw new FatalError(`gone: ${error.message}`);
    }
  }
  const thrown: [what: string, filter: new () => ExceptionFilter, error: Error, end: string][] = [
    ['that returns a value leaves the error as it is', Answers, new Error('bad'), 'retried (Error: bad)'],
    ['and a fatal one fatal', Answers, new FatalError('bad'), 'failed: a fatal error (FatalError: bad)'],
    ['that returns nothing does, too', Observes, new Error('bad'), 'retried (Error: bad)'],
    ['may give an observable that throws', Streams, new Error('x'), 'failed: a fatal error (FatalError: mapped x)'],
    ['maps what it catches', Selects, new NotFoundException('x'), 'failed: a fatal error (FatalError: gone: x)'],
    ['and nothing else', Selects, new Error('bad'), 'retried (Error: bad)'],
  ];
  for (const [what, filter, error, end] of thrown) {
    test(what, async () => {
      @JobHandler('work')
      @UseFilters(filter)
      class Handles {
        handle(): never {
          throw error;
        }
      }
      const application = await startJobs({ providers: [Handles] });
      expect(await endOf(application)).toBe(end);
      // Nest would log what no filter handles, beside our own line.
      expect(application.lines.all.filter(({ level, rest }) => level === 'error' && rest.at(-1) !== 'Jobs')).toEqual(
        [],
      );
    });
  }

  test('that returns a value leaves a denial what it is', async () => {
    @JobHandler('work')
    @UseGuards({ canActivate: () => false })
    @UseFilters(Answers)
    class Handles {
      handle(): void {}
    }
    expect(await endWith(Handles)).toBe('failed: a guard denied it (ForbiddenException: Forbidden resource)');
  });
});

const guards: [what: string, error: Error, end: RegExp][] = [
  ['unmarked', new Error('no answer'), /^retried \(Error: no answer\)$/],
  ['fatal', new FatalError('no'), /^failed: a fatal error/],
  [
    'an HttpException, by httpErrors',
    new UnauthorizedException('who?'),
    /^failed: a fatal error \(Unauthorized.*who\?/,
  ],
];
for (const [what, error, end] of guards) {
  test(`a guard that throws goes by its error: ${what}`, async () => {
    class Throws implements CanActivate {
      canActivate(): never {
        throw error;
      }
    }
    @JobHandler('work')
    @UseGuards(Throws)
    class Handles {
      handle(): void {}
    }
    expect(await endWith(Handles, null, { errors: httpErrors() })).toMatch(end);
  });
}

test('an interceptor that never completes runs into the job’s timeout', async () => {
  class Never implements NestInterceptor {
    intercept(): Observable<unknown> {
      return NEVER;
    }
  }
  @JobHandler('work', { timeout: 20 })
  @UseInterceptors(Never)
  class Handles {
    handle(): void {}
  }
  expect(await endWith(Handles)).toMatch(/^retried \(JobTimeoutError: /);
});

test('an interceptor that never completes is handed back at the end of the grace, at no cost', async () => {
  const attempts: number[] = [];
  class Never implements NestInterceptor {
    intercept(context: ExecutionContext): Observable<unknown> {
      attempts.push(context.getArgByIndex<Job>(1).attempt);
      return NEVER;
    }
  }
  @JobHandler('work')
  @UseInterceptors(Never)
  class Handles {
    handle(): void {}
  }
  const backend = memory();
  const one = await startJobs({ providers: [Handles] }, { backend, shutdownGrace: 10 });
  const ends: string[] = [];
  one.events.on('handedBack', ({ reason }) => ends.push(reason));
  await one.publisher.publish('work');
  await until(() => attempts.length === 1, 'it has begun');
  await one.app.close();
  expect(ends).toEqual(['shutdown']);
  const next = await startJobs({ providers: [Handles] }, { backend, shutdownGrace: 10 });
  await until(() => attempts.length === 2, 'it is begun again');
  await next.app.close();
  expect(attempts).toEqual([1, 1]);
});

describe('a pipe', () => {
  class MailDto {
    @IsEmail()
    readonly to!: string;
    @IsInt()
    readonly count!: number;
  }
  @JobHandler('work')
  @UsePipes(new ValidationPipe({ transform: true }))
  class Validated {
    handle(@Payload() payload: MailDto, @CurrentJob() job: Job): unknown {
      return [payload instanceof MailDto, payload.to, job.name];
    }
  }
  @UsePipes(new ValidationPipe({ transform: true }))
  class ValidatedMethod {
    @JobHandler('work')
    work(payload: MailDto, job: Job): unknown {
      return [payload instanceof MailDto, payload.to, job.name];
    }
  }
  class ValidatedByParameter {
    @JobHandler('work')
    work(@CurrentJob() job: Job, @Payload(new ValidationPipe({ transform: true })) payload: MailDto): unknown {
      return [payload instanceof MailDto, payload.to, job.name];
    }
  }
  const places = { Validated, ValidatedMethod, ValidatedByParameter };

  test.each(Object.entries(places))('of a DTO makes it: %s', async (_, provider) => {
    const end = await endWith(provider, { to: 'ada@example.org', count: 1 });
    expect(end).toBe('completed [true,"ada@example.org","work"]');
  });

  test.each(Object.entries(places))('of a DTO fails a job that it refuses at once: %s', async (_, provider) => {
    const end = await endWith(provider, { to: 'nobody', count: 'x' });
    expect(end).toMatch(/^failed: a pipe refused the payload: .*to must be an email/);
    expect(end).toContain('count must be an integer number');
  });

  test('that throws something else goes by its error', async () => {
    class Throws implements PipeTransform {
      transform(): never {
        throw new NotFoundException('no such customer');
      }
    }
    class Handles {
      @UsePipes(Throws)
      @JobHandler('work')
      work(_payload: unknown): void {}
    }
    expect(await endWith(Handles, 1)).toBe('retried (NotFoundException: no such customer)');
  });

  test('the handler’s own 400 is no refusal', async () => {
    class Handles {
      @UsePipes(ValidationPipe)
      @JobHandler('work')
      work(_payload: unknown): never {
        throw new BadRequestException('later');
      }
    }
    expect(await endWith(Handles, 1)).toBe('retried (BadRequestException: later)');
  });
});

test('@Payload gives a part of the payload, through its own pipes', async () => {
  const Twice: PipeTransform = { transform: (value: unknown) => [value, value] };
  class Handles {
    @JobHandler('work')
    work(
      @Payload('customer.name') name: string,
      @Payload('customer.name', Twice) twice: string[],
      @Payload('no.such') absent: unknown,
      @Payload('constructor') inherited: unknown,
      @CurrentJob() job: Job,
    ): unknown {
      return [name, twice, absent === undefined, inherited === undefined, job.attempt];
    }
  }
  expect(await endWith(Handles, { customer: { name: 'Ada' } })).toBe('completed ["Ada",["Ada","Ada"],true,true,1]');
});

describe('global enhancers', () => {
  async function endWithGlobals(globalEnhancers: boolean): Promise<[string, unknown[]]> {
    const seen: unknown[] = [];
    const note = (what: string) => ({
      canActivate: (context: ExecutionContext) => seen.push(`${what} ${context.getType<string>()}`) > 0,
      intercept: (_: unknown, next: CallHandler) => {
        seen.push(what);
        return next.handle();
      },
      transform: (value: unknown) => {
        seen.push(what);
        return value;
      },
    });
    @Catch()
    class Maps implements ExceptionFilter {
      catch(error: Error): never {
        seen.push('filter');
        throw new FatalError(`mapped ${error.message}`);
      }
    }
    class Handles {
      @UseGuards({ canActivate: () => true })
      @JobHandler('work')
      work(_payload: unknown): never {
        throw new Error('bad');
      }
    }
    const application = await startJobs(
      {
        providers: [
          Handles,
          { provide: APP_GUARD, useValue: note('guard') },
          { provide: APP_INTERCEPTOR, useValue: note('interceptor') },
          { provide: APP_PIPE, useValue: note('pipe') },
          { provide: APP_FILTER, useClass: Maps },
        ],
      },
      { globalEnhancers },
    );
    return [await endOf(application, 1), seen];
  }

  test('leave jobs alone', async () => {
    expect(await endWithGlobals(false)).toEqual(['retried (Error: bad)', []]);
  });

  test('run for jobs where they are asked to', async () => {
    const seen = ['guard job', 'interceptor', 'pipe', 'filter'];
    expect(await endWithGlobals(true)).toEqual(['failed: a fatal error (FatalError: mapped bad)', seen]);
  });
});

describe('what is made for each job', () => {
  test('and can’t be made fails the attempt, and says so', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {
      constructor(@Inject(REQUEST) job: Job) {
        throw new Error(`no tenant for ${job.name}`);
      }
    }
    @JobHandler('work')
    class Handles {
      constructor(@Inject(Tenant) readonly tenant: Tenant) {}

      handle(): void {}
    }
    const end = await endOf(await startJobs({ providers: [Tenant, Handles] }));
    expect(end).toBe('retried (Error: no instance of Handles could be made for the job: no tenant for work)');
  });

  const unmakeable: [what: string, make: (job: Job) => unknown, end: string, timeout?: number][] = [
    [
      'of a factory that rejects',
      (job) => Promise.reject(new TransientError(`no tenant for ${job.name}`)),
      'retried (Error: no instance of Handles could be made for the job: no tenant for work)',
    ],
    [
      'of a factory that rejects with a fatal error',
      () => Promise.reject(new FatalError('no such tenant')),
      'failed: a fatal error (Error: no instance of Handles could be made for the job: no such tenant)',
    ],
    [
      'of a factory that never ends',
      () => new Promise(() => undefined),
      'retried (JobTimeoutError: the job ran longer than its timeout of 20 ms)',
      20,
    ],
  ];
  for (const [what, make, end, timeout] of unmakeable) {
    for (const whose of ['a handler', 'a guard'] as const) {
      test(`${whose}’s dependency ${what}`, async () => {
        @Injectable()
        class Guard implements CanActivate {
          constructor(@Optional() @Inject('TENANT_OF_GUARD') readonly tenant: unknown) {}

          canActivate(): boolean {
            return true;
          }
        }
        let handled = false;
        @JobHandler('work', { timeout })
        @UseGuards(Guard)
        class Handles {
          constructor(@Optional() @Inject('TENANT_OF_HANDLER') readonly tenant: unknown) {}

          handle(): void {
            handled = true;
          }
        }
        const provide = whose === 'a handler' ? 'TENANT_OF_HANDLER' : 'TENANT_OF_GUARD';
        const tenant = { provide, scope: Scope.REQUEST, inject: [REQUEST], useFactory: make };
        expect(await endOf(await startJobs({ providers: [tenant, Handles] }))).toBe(end);
        expect(handled).toBe(false);
      });
    }
  }

  test('leaves nothing of a job behind', async () => {
    const left = new Set<WeakRef<object>>();
    let contexts = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Context {
      readonly weight = new Array<number>(1_000).fill(0);
      constructor(@Inject(REQUEST) job: Job) {
        contexts += 1;
        left.add(new WeakRef(this)).add(new WeakRef(job));
      }
    }
    @Injectable()
    class Guard implements CanActivate {
      constructor(@Inject(Context) readonly context: Context) {}

      canActivate(): boolean {
        return this.context.weight.length > 0;
      }
    }
    @JobHandler('work')
    @UseGuards(Guard)
    class Handles {
      constructor(@Inject(Context) readonly context: Context) {
        left.add(new WeakRef(this));
      }

      handle(): number {
        return this.context.weight.length;
      }
    }
    const { publisher, events } = await startJobs({ providers: [Context, Handles] });
    let completed = 0;
    events.on('completed', () => (completed += 1));
    await publisher.publishMany(Array.from({ length: 1_000 }, () => ({ name: 'work' })));
    await until(() => completed === 1_000, 'a thousand jobs');
    expect([contexts, left.size]).toEqual([1_000, 3_000]);
    const alive = (): number => [...left].filter((one) => one.deref()).length;
    // What runs last may still be held by whatever ran it.
    await until(() => {
      collectGarbage();
      return alive() <= 30;
    }, 'they are gone');
  });

  test('may be transient', async () => {
    const made: unknown[] = [];
    @Injectable({ scope: Scope.TRANSIENT })
    @JobHandler('work')
    class Handles {
      handle(): void {
        made.push(this);
      }
    }
    const { publisher } = await startJobs({ providers: [Handles] });
    await publisher.publishMany([{ name: 'work' }, { name: 'work' }]);
    await until(() => made.length === 2, 'both');
    expect(new Set(made).size).toBe(2);
  });

  test('may come from a factory', async () => {
    const made: unknown[] = [];
    @JobHandler('work')
    class Handles {
      constructor(readonly job: Job) {}

      handle(_payload: unknown, job: Job): void {
        made.push(this.job === job);
      }
    }
    const provider = { provide: Handles, inject: [REQUEST], useFactory: (job: Job) => new Handles(job) };
    const { publisher } = await startJobs({ providers: [provider] });
    await publisher.publishMany([{ name: 'work' }, { name: 'work' }]);
    await until(() => made.length === 2, 'both');
    expect(made).toEqual([true, true]);
  });

  test('may be durable: shared by the jobs of a tenant', async () => {
    const parents = new Map<string, ContextId>();
    ContextIdFactory.apply({
      attach: (contextId: ContextId, job: Job) => {
        const tenant = job.headers['tenant'] ?? '';
        const parent = parents.get(tenant) ?? ContextIdFactory.create();
        parents.set(tenant, parent);
        return {
          resolve: (host: HostComponentInfo) => (host.isTreeDurable ? parent : contextId),
          payload: { tenant },
        };
      },
    });
    onTestFinished(() => ContextIdFactory.apply(undefined as never));
    let made = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Connection {
      readonly number = ++made;
      constructor(@Inject(REQUEST) readonly context: { tenant: string }) {}
    }
    const seen: string[] = [];
    @JobHandler('work', { concurrency: 1 })
    class Handles {
      constructor(@Inject(Connection) readonly connection: Connection) {}

      handle(): void {
        seen.push(`${this.connection.number} ${this.connection.context.tenant}`);
      }
    }
    const { publisher } = await startJobs({ providers: [Connection, Handles] });
    const jobs = ['a', 'b', 'a'].map((tenant) => ({ name: 'work', options: { headers: { tenant } } }));
    await publisher.publishMany(jobs);
    await until(() => seen.length === 3, 'three jobs');
    expect(seen).toEqual(['1 a', '2 b', '1 a']);
  });
});

test('a guard of a controller’s method runs', async () => {
  @Injectable()
  class Denies implements CanActivate {
    canActivate(): boolean {
      return false;
    }
  }
  @Controller()
  class Orders {
    @UseGuards(Denies)
    @JobHandler('work')
    work(): void {}
  }
  expect(await endOf(await startJobs({ controllers: [Orders] }))).toMatch(/^failed: a guard denied it/);
});

test('a guard that Nest would leave out stops the application', async () => {
  @Injectable()
  class Denies implements CanActivate {
    canActivate(): boolean {
      return false;
    }
  }
  @JobHandler('work')
  @UseGuards(Denies)
  class Handles {
    handle(): void {}
  }
  for (const provider of [
    { provide: 'made', useFactory: () => new Handles() },
    { provide: 'made', useValue: new Handles() },
  ]) {
    await expect(startJobs({ providers: [provider] })).rejects.toThrow(/Handles in AppModule .* Denies, by which/);
  }
});

test('two applications in one process keep their enhancers apart', async () => {
  const ends = await Promise.all(
    [true, false].map(async (allowed) => {
      @JobHandler('work')
      @UseGuards({ canActivate: () => allowed })
      class Handles {
        handle(): string {
          return 'done';
        }
      }
      return endWith(Handles);
    }),
  );
  expect(ends).toEqual(['completed "done"', expect.stringMatching(/^failed: a guard denied it/)]);
});

test('two handler classes of one name and method keep their own parameters', async () => {
  const seen: unknown[] = [];
  const first = class Handles {
    handle(payload: unknown, job: Job): void {
      seen.push([payload, job.name]);
    }
  };
  const second = class Handles {
    handle(job: Job, part: unknown): void {
      seen.push([part, job.name]);
    }
  };
  const decorated = (parameters: ParameterDecorator[], type: new () => object, name: string): Provider => {
    for (const [index, parameter] of parameters.entries()) parameter(type.prototype as object, 'handle', index);
    JobHandler(name)(type as never);
    return type;
  };
  const providers = [
    decorated([Payload(), CurrentJob()], first, 'one'),
    decorated([CurrentJob(), Payload('part')], second, 'other'),
  ];
  const { publisher } = await startJobs({ providers });
  await publisher.publish('one', { part: 1 });
  await until(() => seen.length === 1, 'the first');
  await publisher.publish('other', { part: 2 });
  await until(() => seen.length === 2, 'the second');
  expect(seen).toEqual([
    [{ part: 1 }, 'one'],
    [2, 'other'],
  ]);
});
