import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Job } from 'nestjs-jobs';
import { of, tap } from 'rxjs';
import { JobLedger } from './job-ledger.service.js';

/** Skips what is known to be done: a job is delivered at least once, and so perhaps again after a crash. */
@Injectable()
export class Once implements NestInterceptor {
  constructor(private readonly ledger: JobLedger) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    const [, job] = context.getArgs<[payload: unknown, job: Job]>();
    if (this.ledger.isCompleted(job)) return of(undefined);
    return next.handle().pipe(tap(() => this.ledger.noteCompleted(job)));
  }
}
