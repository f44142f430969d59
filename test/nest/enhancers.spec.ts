import {
  Catch,
  Inject,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { Reflector, REQUEST } from '@nestjs/core';
import { FatalError, JobHandler, type Job } from 'nestjs-jobs';
import { map, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { startJobs, until, type Application } from './application.js';

@Injectable()
class Journal {
  readonly lines: unknown[] = [];
}

@Module({ providers: [Journal], exports: [Journal] })
class JournalModule {}

/** The four kinds, each noting what it was given, in a scope. */
function enhancers(scope: Scope): Record<string, { type: Type; use: MethodDecorator & ClassDecorator }> {
  let made = 0;

  @Injectable({ scope })
  class Guard implements CanActivate {
    readonly number = ++made;
    constructor(@Inject(Journal) readonly journal: Journal) {}

    canActivate(context: ExecutionContext): boolean {
      const [payload, job] = context.getArgs<[unknown, Job]>();
      this.journal.lines.push(`guard ${this.number} ${context.getType<string>()} ${String(payload)} ${job.name}`);
      return payload !== 'denied';
    }
  }

  @Injectable({ scope })
  class Interceptor implements NestInterceptor {
    readonly number = ++made;
    constructor(@Inject(Journal) readonly journal: Journal) {}

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const [payload, job] = context.getArgs<[unknown, Job]>();
      this.journal.lines.push(`interceptor ${this.number} ${context.getType<string>()} ${String(payload)} ${job.name}`);
      return next.handle().pipe(map((result) => `intercepted ${String(result)}`));
    }
  }

  @Injectable({ scope })
  class Pipe implements PipeTransform {
    readonly number = ++made;
    constructor(@Inject(Journal) readonly journal: Journal) {}

    transform(value: unknown, { type }: ArgumentMetadata): unknown {
      this.journal.lines.push(`pipe ${this.number} ${type} ${String(value)}`);
      return `piped ${String(value)}`;
    }
  }

  @Injectable({ scope })
  @Catch()
  class Filter implements ExceptionFilter {
    readonly number = ++made;
    constructor(@Inject(Journal) readonly journal: Journal) {}

    catch(error: Error, host: ArgumentsHost): never {
      const [payload, job] = host.getArgs<[unknown, Job]>();
      this.journal.lines.push(`filter ${this.number} ${host.getType<string>()} ${String(payload)} ${job.name}`);
      throw new FatalError(`filtered ${error.message}`);
    }
  }

  return {
    guard: { type: Guard, use: UseGuards(Guard) },
    interceptor: { type: Interceptor, use: UseInterceptors(Interceptor) },
    pipe: { type: Pipe, use: UsePipes(Pipe) },
    filter: { type: Filter, use: UseFilters(Filter) },
  };
}

/** A handler that is decorated at one place; it throws where the payload is `bad`. */
function handlerWith(place: string, use: MethodDecorator & ClassDecorator, scope: Scope): new () => object {
  function act(this: { readonly journal: Journal }, payload: string): string {
    this.journal.lines.push(`handler ${payload}`);
    if (payload.endsWith('bad')) throw new Error('bad');
    return `done ${payload}`;
  }
  const classUse: ClassDecorator = place === 'class' ? use : () => undefined;
  const methodUse: MethodDecorator = place === 'class' ? () => undefined : use;

  @classUse
  @Injectable({ scope })
  class Handles {
    @Inject(Journal) readonly journal!: Journal;

    @methodUse
    @JobHandler('work')
    work(payload: string): string {
      return act.call(this, payload);
    }
  }

  @classUse
  @JobHandler('work')
  @Injectable({ scope })
  class HandlesAsClass {
    @Inject(Journal) readonly journal!: Journal;

    @methodUse
    handle(payload: string): string {
      return act.call(this, payload);
    }
  }
  return place === 'method of a provider' ? Handles : HandlesAsClass;
}

/** What becomes of two jobs, one after the other. */
async function twoJobs({ app, publisher, events }: Application, payload: string): Promise<unknown[]> {
  const ends: unknown[] = [];
  events.on('completed', ({ result }) => ends.push(result));
  events.on('failed', ({ error, reason }) => ends.push(`${reason}: ${error.message}`));
  for (const count of [1, 2]) {
    await publisher.publish('work', payload, { attempts: 3 });
    await until(() => ends.length === count, `end ${count}`);
  }
  return [...app.get(Journal).lines, ...ends];
}

/** Of each kind, what is noted of a job, and how it ends. */
const NOTED: Record<string, [payload: string, noted: (number: number) => string[], end: string]> = {
  guard: ['good', (number) => [`guard ${number} job good work`, 'handler good'], 'done good'],
  interceptor: ['good', (number) => [`interceptor ${number} job good work`, 'handler good'], 'intercepted done good'],
  pipe: ['good', (number) => [`pipe ${number} body good`, 'handler piped good'], 'done piped good'],
  filter: ['bad', (number) => ['handler bad', `filter ${number} job bad work`], 'a fatal error: filtered bad'],
};

describe.each(['class', 'method', 'method of a provider'])('on a %s', (place) => {
  describe.each(Object.keys(NOTED))('a %s', (kind) => {
    test.each<[string, Scope, Scope, second: number]>([
      ['static', Scope.DEFAULT, Scope.DEFAULT, 1],
      ['of a request-scoped handler', Scope.DEFAULT, Scope.REQUEST, 1],
      ['request-scoped', Scope.REQUEST, Scope.DEFAULT, 2],
      ['request-scoped, of a request-scoped handler', Scope.REQUEST, Scope.REQUEST, 2],
    ])('%s runs around the handler', async (_, scope, handlerScope, second) => {
      const found = enhancers(scope)[kind];
      const [payload, noted, end] = NOTED[kind] ?? [];
      if (!found || !noted || !payload) throw new Error(`no ${kind}`);
      const Handler = handlerWith(place, found.use, handlerScope);
      const application = await startJobs({ imports: [JournalModule], providers: [Handler] });
      expect(await twoJobs(application, payload)).toEqual([...noted(1), ...noted(second), end, end]);
    });
  });

  test('a guard’s denial fails the job at once', async () => {
    const { guard } = enhancers(Scope.DEFAULT);
    if (!guard) throw new Error('no guard');
    const Handler = handlerWith(place, guard.use, Scope.DEFAULT);
    const application = await startJobs({ imports: [JournalModule], providers: [Handler] });
    const noted = 'guard 1 job denied work';
    const end = 'a guard denied it: Forbidden resource';
    expect(await twoJobs(application, 'denied')).toEqual([noted, noted, end, end]);
  });
});

test('they run in Nest’s order, with what the method was decorated with at hand', async () => {
  const order: unknown[] = [];
  const note = (what: string): Type => {
    class Notes {
      canActivate(context: ExecutionContext): boolean {
        const roles: unknown = new Reflector().getAllAndOverride('roles', [context.getHandler(), context.getClass()]);
        order.push(`${what} ${context.getClass().name}.${context.getHandler().name} ${String(roles)}`);
        return true;
      }
      transform(value: unknown): unknown {
        order.push(what);
        return value;
      }
      intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
        order.push(what);
        return next.handle();
      }
    }
    return Notes;
  };
  @UseGuards(note('class guard'))
  @UseInterceptors(note('class interceptor'))
  @UsePipes(note('class pipe'))
  class Ordered {
    @UsePipes(note('pipe'))
    @UseInterceptors(note('interceptor'))
    @UseGuards(note('guard'))
    @SetMetadata('roles', 'mailer')
    @JobHandler('work')
    work(_payload: unknown, job: Job): void {
      order.push(`handler ${job.attempt}`);
    }
  }
  const { publisher } = await startJobs({ providers: [Ordered] });
  await publisher.publish('work', 1);
  await until(() => order.length === 7, 'the job');
  expect(order).toEqual([
    'class guard Ordered.work mailer',
    'guard Ordered.work mailer',
    'class interceptor',
    'interceptor',
    'class pipe',
    'pipe',
    'handler 1',
  ]);
});

test('REQUEST is the job, and one DI context is one job’s', async () => {
  const seen: unknown[] = [];
  @Injectable({ scope: Scope.REQUEST })
  class Context {
    constructor(@Inject(REQUEST) readonly job: Job) {}
  }
  @Injectable()
  class Guard implements CanActivate {
    constructor(@Inject(Context) readonly context: Context) {}

    canActivate(): boolean {
      seen.push(this.context);
      return true;
    }
  }
  @JobHandler('work')
  @UseGuards(Guard)
  class Handles {
    constructor(@Inject(Context) readonly context: Context) {}

    handle(_payload: unknown, job: Job): void {
      seen.push(this.context, this.context.job === job);
    }
  }
  const { publisher } = await startJobs({ providers: [Context, Handles] });
  await publisher.publishMany([{ name: 'work' }, { name: 'work' }]);
  await until(() => seen.length === 6, 'both jobs');
  const contexts = seen.filter((one): one is Context => one instanceof Context);
  expect(seen.filter((one) => one === true)).toHaveLength(2);
  expect(new Set(contexts).size).toBe(2);
  expect(new Set(contexts.map(({ job }) => job.id)).size).toBe(2);
});
