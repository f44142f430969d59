import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { JobHandler, JobsModule, Transient, type Job, type JobsModuleOptions } from 'nestjs-jobs';

@Transient({ retryIn: 1 })
class NotYet extends Error {}

@Injectable()
export class Ledger {
  readonly lines: string[] = [];
}

@JobHandler('greet')
export class Greet {
  constructor(private readonly ledger: Ledger) {}

  handle(payload: { name: string }, job: Job): void {
    if (job.attempt === 1) throw new NotYet('the first attempt is refused');
    this.ledger.lines.push(`${payload.name}, attempt ${job.attempt}`);
  }
}

@Module({ providers: [Ledger, Greet] })
export class AppModule {
  static with(backend: JobsModuleOptions['backend']): DynamicModule {
    return { module: AppModule, imports: [JobsModule.forRoot({ backend })] };
  }
}
